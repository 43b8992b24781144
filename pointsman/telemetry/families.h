#pragma once

#include <array>

#include "pointsman/telemetry/buckets.h"
#include "pointsman/telemetry/family.h"

// Every metric of the router, declared once. Names, types, labels and buckets of the llm_d_epp_
// families are the interface of spec/07 section 4, their deprecated twins too; those of our own
// are called pointsman_.
namespace pointsman::metric {

inline constexpr auto kNone = labels();
inline constexpr auto kModels = labels("model_name", "target_model_name");
inline constexpr auto kRequest =
    labels("model_name", "target_model_name", "fairness_id", "priority");
inline constexpr auto kPlugin = labels("extension_point", "plugin_type", "plugin_name");

// Requests and their latency
inline constexpr auto kRequestTotal =
    counter("llm_d_epp_request_total", "Requests that were scheduled and forwarded.", kRequest)
        .deprecated("inference_objective_request_total",
                    labels("model_name", "target_model_name", "priority"));
inline constexpr auto kRequestErrors =
    counter("llm_d_epp_request_error_total", "Requests that ended in an error, by its code.",
            labels("model_name", "target_model_name", "fairness_id", "priority", "error_code"))
        .deprecated("inference_objective_request_error_total",
                    labels("model_name", "target_model_name", "error_code"));
inline constexpr auto kRequestDuration =
    histogram("llm_d_epp_request_duration_seconds",
              "Time from the arrival of a request to the end of its response.", kRequest,
              buckets::kGeneral)
        .deprecated("inference_objective_request_duration_seconds", kModels);
inline constexpr auto kRequestSize =
    histogram("llm_d_epp_request_size_bytes", "Size of request bodies as sent on.", kRequest,
              buckets::kSize)
        .deprecated("inference_objective_request_sizes", kModels);
inline constexpr auto kResponseSize =
    histogram("llm_d_epp_response_size_bytes", "Size of response bodies.", kRequest,
              buckets::kResponseSize)
        .deprecated("inference_objective_response_sizes", kModels);
inline constexpr auto kInputTokens =
    histogram("llm_d_epp_request_input_tokens", "Prompt tokens, as the model server counted them.",
              kRequest, buckets::kTokens)
        .deprecated("inference_objective_input_tokens", kModels);
inline constexpr auto kOutputTokens =
    histogram("llm_d_epp_request_output_tokens",
              "Generated tokens, as the model server counted them.", kRequest,
              buckets::kOutputTokens)
        .deprecated("inference_objective_output_tokens", kModels);
inline constexpr auto kCachedTokens =
    histogram("llm_d_epp_request_cached_tokens",
              "Prompt tokens that the model server found in its cache.", kRequest, buckets::kTokens)
        .deprecated("inference_objective_prompt_cached_tokens", kModels);
inline constexpr auto kRequestRunning =
    gauge("llm_d_epp_request_running", "Requests that a model server is working on.", kRequest)
        .deprecated("inference_objective_running_requests", labels("model_name"));
inline constexpr auto kNtpot =
    histogram("llm_d_epp_request_ntpot_seconds", "Duration of a request per generated token.",
              kRequest, buckets::kNtpot)
        .deprecated("inference_objective_normalized_time_per_output_token_seconds", kModels);
inline constexpr auto kTtft =
    histogram("llm_d_epp_request_ttft_seconds",
              "Time from the arrival of a request to the first byte of the response body.",
              labels("model_name", "target_model_name", "fairness_id", "priority", "streaming"),
              buckets::kTtft);
inline constexpr auto kStreamingTpot = histogram(
    "llm_d_epp_request_streaming_tpot_seconds",
    "Mean time per token after the first, of streamed responses.", kRequest, buckets::kTpot);
inline constexpr auto kStreamingItl =
    histogram("llm_d_epp_request_streaming_itl_seconds",
              "Gap between two chunks of a streamed response.", kRequest, buckets::kItl);

// The pool of endpoints
inline constexpr auto kPoolKvCache =
    gauge("llm_d_epp_average_kv_cache_utilization",
          "Mean share of the KV cache in use, over endpoints with fresh metrics.", labels("name"))
        .deprecated("inference_pool_average_kv_cache_utilization");
inline constexpr auto kPoolQueue =
    gauge("llm_d_epp_average_queue_size",
          "Mean number of waiting requests, over endpoints with fresh metrics.", labels("name"))
        .deprecated("inference_pool_average_queue_size");
inline constexpr auto kPoolRunning =
    gauge("llm_d_epp_average_running_requests",
          "Mean number of running requests, over endpoints with fresh metrics.", labels("name"))
        .deprecated("inference_pool_average_running_requests");
inline constexpr auto kPoolKvCacheStdDev =
    gauge("llm_d_epp_std_dev_kv_cache_utilization",
          "Sample standard deviation of the share of the KV cache in use.", labels("name"));
inline constexpr auto kPoolQueueStdDev =
    gauge("llm_d_epp_std_dev_queue_size",
          "Sample standard deviation of the number of waiting requests.", labels("name"));
inline constexpr auto kPoolRunningStdDev =
    gauge("llm_d_epp_std_dev_running_requests",
          "Sample standard deviation of the number of running requests.", labels("name"));
inline constexpr auto kReadyEndpoints =
    gauge("llm_d_epp_ready_endpoints", "Endpoints with fresh metrics.", labels("name"))
        .deprecated("inference_pool_ready_pods");
inline constexpr auto kEndpointQueue =
    gauge("llm_d_epp_per_endpoint_queue_size", "Waiting requests of each endpoint.",
          labels("name", "model_server_endpoint"))
        .deprecated("inference_pool_per_pod_queue_size")
        .silently()
        .renamed("model_server_endpoint", "model_server_pod");

// Scheduler, plugins, processing
inline constexpr auto kSchedulerDuration =
    histogram("llm_d_epp_scheduler_e2e_duration_seconds", "Time one decision took.", kNone,
              buckets::kMicro)
        .deprecated("inference_extension_scheduler_e2e_duration_seconds")
        .also("pointsman_scheduler_duration_seconds", buckets::kShort);
inline constexpr auto kSchedulerAttempts =
    counter("llm_d_epp_scheduler_attempts_total", "Decisions, and the endpoint they chose.",
            labels("status", "target_model_name", "endpoint_name", "namespace", "port"))
        .deprecated("inference_extension_scheduler_attempts_total")
        .renamed("endpoint_name", "pod_name");
inline constexpr auto kPluginDuration =
    histogram("llm_d_epp_plugin_duration_seconds", "Time one call of a plugin took.", kPlugin,
              buckets::kMicro)
        .deprecated("inference_extension_plugin_duration_seconds")
        .also("pointsman_plugin_duration_seconds", buckets::kShort);
inline constexpr auto kScopeViolations =
    counter("llm_d_epp_plugin_data_scope_violations_total",
            "Accesses of a plugin to endpoint data that it did not declare.",
            labels("extension_point", "plugin_type", "plugin_name", "access"));
inline constexpr auto kRequestProcessing =
    histogram("llm_d_epp_request_processing_duration_seconds",
              "Time from the arrival of a request to the decision or the error.", kNone,
              buckets::kRequestProcessing);
inline constexpr auto kRouting =
    histogram("pointsman_routing_duration_seconds",
              "Time from the last byte of a request to the routing reply written to the proxy.",
              kNone, buckets::kRouting);
inline constexpr auto kResponseProcessing =
    histogram("llm_d_epp_response_processing_duration_seconds",
              "Time the router spent on a streamed response, or from the head of another one to "
              "its end.",
              kNone, buckets::kResponseProcessing);
inline constexpr auto kStreamsInflight =
    gauge("llm_d_epp_extproc_streams_inflight", "Open ext_proc streams.", kNone);
inline constexpr auto kStreamDuration =
    histogram("llm_d_epp_extproc_stream_duration_seconds", "Time an ext_proc stream was open.",
              kNone, buckets::kStream);
inline constexpr auto kStreams =
    counter("llm_d_epp_extproc_streams_total", "Ext_proc streams that ended, by gRPC status.",
            labels("code"));
inline constexpr auto kBuild =
    gauge("llm_d_epp_info", "The build that is running.", labels("commit", "build_ref"))
        .deprecated("inference_extension_info")
        .silently();
inline constexpr auto kModelRewrites =
    counter("llm_d_epp_model_rewrite_decisions_total", "Applied rules that rewrite model names.",
            labels("model_rewrite_name", "model_name", "target_model"))
        .deprecated("inference_extension_model_rewrite_decisions_total")
        .silently();
inline constexpr auto kPollErrors =
    counter("llm_d_epp_datalayer_poll_errors_total", "Failed polls of one endpoint by one source.",
            labels("source_type"))
        .deprecated("llm_d_inference_scheduler_datalayer_poll_errors_total");
inline constexpr auto kExtractErrors =
    counter("llm_d_epp_datalayer_extract_errors_total",
            "Polled data that an extractor could not read.",
            labels("source_type", "extractor_type"))
        .deprecated("llm_d_inference_scheduler_datalayer_extract_errors_total");

// Producers
inline constexpr auto kPrefixSize =
    gauge("llm_d_epp_prefix_indexer_size", "Prompt blocks in the prefix index, over all endpoints.",
          labels("plugin_name", "plugin_type"))
        .deprecated("inference_extension_prefix_indexer_size", kNone);
inline constexpr auto kPrefixHitRatio =
    histogram("llm_d_epp_prefix_indexer_hit_ratio",
              "Share of a prompt that the chosen endpoint is believed to hold.",
              labels("plugin_name", "plugin_type"), buckets::kRatio)
        .deprecated("inference_extension_prefix_indexer_hit_ratio", kNone);
inline constexpr auto kPrefixHitBytes =
    histogram("llm_d_epp_prefix_indexer_hit_bytes",
              "Bytes of a prompt that the chosen endpoint is believed to hold.",
              labels("plugin_name", "plugin_type"), buckets::kHitBytes)
        .deprecated("inference_extension_prefix_indexer_hit_bytes", kNone);
inline constexpr auto kInflightRequests =
    gauge("llm_d_epp_inflight_requests", "Requests sent to an endpoint that have not ended.",
          labels("endpoint_name", "namespace", "producer_name", "fairness_id", "priority"));
inline constexpr auto kInflightTokens =
    gauge("llm_d_epp_inflight_tokens",
          "Tokens that an endpoint is believed to have still to compute for requests sent to it.",
          labels("endpoint_name", "namespace", "producer_name", "fairness_id", "priority"));
inline constexpr auto kEncoderQueries =
    counter("llm_d_epp_encoder_cache_queries_total",
            "Images, sounds and videos that were looked for in encoder caches.",
            labels("plugin_type", "plugin_name", "modality"));
inline constexpr auto kEncoderHits =
    counter("llm_d_epp_encoder_cache_hits_total",
            "Those of them that the chosen endpoint is believed to hold.",
            labels("plugin_type", "plugin_name", "pod", "modality"));
inline constexpr auto kEncoderHitRatio =
    histogram("llm_d_epp_encoder_cache_hit_ratio",
              "Share of a request's images, sounds and videos that the chosen endpoint is believed "
              "to hold.",
              labels("plugin_type", "plugin_name"), buckets::kRatio);
inline constexpr auto kDisaggDecisions =
    counter("llm_d_epp_disagg_decision_total", "Which stages requests were split into.",
            labels("plugin_name", "plugin_type", "model_name", "decision_type"))
        .deprecated("llm_d_inference_scheduler_disagg_decision_total",
                    labels("model_name", "decision_type"));
inline constexpr auto kPdDecisions =
    counter("llm_d_epp_pd_decision_total", "Whether requests were split into prefill and decode.",
            labels("plugin_name", "plugin_type", "model_name", "decision_type"))
        .deprecated("llm_d_inference_scheduler_pd_decision_total",
                    labels("model_name", "decision_type"));
inline constexpr auto kStrictNoMatch =
    counter("llm_d_epp_disaggregatedset_strict_header_no_match_total",
            "Requests whose strict header selects no endpoint.",
            labels("plugin_type", "plugin_name", "selector"));
inline constexpr auto kRevisionShare =
    gauge("llm_d_epp_disaggregatedset_revision_gating_share",
          "Share of requests that a revision gets; 0 while a role is missing.",
          labels("plugin_type", "plugin_name", "mode", "revision"));
inline constexpr auto kProducerErrors =
    counter("pointsman_producer_errors_total",
            "Requests that went on without what a producer should have found out.",
            labels("plugin_name", "plugin_type"));

// The standalone router's clients and model servers
inline constexpr auto kUpstreamFailures =
    counter("pointsman_upstream_failures_total",
            "Tries to send a request that failed: connecting, stale, refused, at the limit of its "
            "server, reset, broken, timeout or a server error of 5xx.",
            labels("reason"));
inline constexpr auto kRetries = counter(
    "pointsman_retries_total",
    "Requests sent again to another endpoint, by the failure before; and no_budget, those that "
    "were not because too many had been.",
    labels("reason"));
inline constexpr auto kEjections =
    counter("pointsman_endpoint_ejections_total",
            "How often an endpoint was left out after failures in a row.", labels("endpoint"));
inline constexpr auto kEjected =
    gauge("pointsman_endpoint_ejected", "Whether an endpoint is left out after failures now.",
          labels("endpoint"));
inline constexpr auto kInflightBytes =
    gauge("pointsman_inflight_body_bytes", "Bytes of request bodies in memory.", kNone);
inline constexpr auto kCutOff =
    counter("pointsman_cut_off_requests_total",
            "Requests cut off because the limit of draining had passed.", kNone)
        .from_the_start();

// This process (names of the Prometheus client libraries)
inline constexpr auto kProcessCpu =
    counter("process_cpu_seconds_total", "User and system CPU time.", kNone);
inline constexpr auto kProcessOpenFds = gauge("process_open_fds", "Open file descriptors.", kNone);
inline constexpr auto kProcessMaxFds =
    gauge("process_max_fds", "Limit of open file descriptors.", kNone);
inline constexpr auto kProcessVirtual =
    gauge("process_virtual_memory_bytes", "Virtual memory.", kNone);
inline constexpr auto kProcessVirtualMax =
    gauge("process_virtual_memory_max_bytes", "Limit of virtual memory.", kNone);
inline constexpr auto kProcessResident =
    gauge("process_resident_memory_bytes", "Resident memory.", kNone);
inline constexpr auto kProcessStart =
    gauge("process_start_time_seconds", "Start of the process, in Unix time.", kNone);

// Telemetry about telemetry
inline constexpr auto kSpansExported =
    counter("pointsman_spans_exported_total", "Spans that the collector accepted.", kNone)
        .from_the_start();
inline constexpr auto kSpansDropped =
    counter("pointsman_spans_dropped_total",
            "Spans that were recorded and lost: trace_full, queue_full, rejected or given up.",
            labels("reason"));
inline constexpr auto kTracesUnrecorded =
    counter("pointsman_traces_unrecorded_total",
            "Sampled requests that were not recorded, all trace buffers being in use.", kNone)
        .from_the_start();
inline constexpr auto kRecorded =
    counter("pointsman_record_frames_total", "Decisions and outcomes written to --record files.",
            labels("kind"));
inline constexpr auto kRecordBytes =
    counter("pointsman_record_bytes_total", "Bytes written to --record files.", kNone);
inline constexpr auto kRecordDropped =
    counter("pointsman_record_dropped_total",
            "Decisions and outcomes not recorded: queue_full, too_large; and io_error, writes that "
            "failed.",
            labels("reason"));
inline constexpr auto kTapDropped = counter(
    "pointsman_tap_dropped_total",
    "Decisions not shown to a tap: queue_full, for all; slow_reader, for one.", labels("reason"));
inline constexpr auto kTracesKept = counter(
    "pointsman_traces_kept_total", "Traces exported because of a --keep rule.", labels("rule"));
inline constexpr auto kLogLinesDropped =
    counter("pointsman_log_lines_dropped_total",
            "Log lines not written: sampled out, or stderr was not ready.", labels("reason"));
inline constexpr auto kWireRefusals = counter(
    "pointsman_wire_refusals_total",
    "Connections and requests turned away before they were requests, by the limit they met.",
    labels("reason"));

// All of the above: what a Metrics knows, in no particular order.
inline constexpr auto kAll = std::to_array<const FamilySpec*>({
    &kRequestTotal,
    &kRequestErrors,
    &kRequestDuration,
    &kRequestSize,
    &kResponseSize,
    &kInputTokens,
    &kOutputTokens,
    &kCachedTokens,
    &kRequestRunning,
    &kNtpot,
    &kTtft,
    &kStreamingTpot,
    &kStreamingItl,
    &kPoolKvCache,
    &kPoolQueue,
    &kPoolRunning,
    &kPoolKvCacheStdDev,
    &kPoolQueueStdDev,
    &kPoolRunningStdDev,
    &kReadyEndpoints,
    &kEndpointQueue,
    &kSchedulerDuration,
    &kSchedulerAttempts,
    &kPluginDuration,
    &kScopeViolations,
    &kRequestProcessing,
    &kRouting,
    &kResponseProcessing,
    &kStreamsInflight,
    &kStreamDuration,
    &kStreams,
    &kBuild,
    &kModelRewrites,
    &kPollErrors,
    &kExtractErrors,
    &kPrefixSize,
    &kPrefixHitRatio,
    &kPrefixHitBytes,
    &kInflightRequests,
    &kInflightTokens,
    &kEncoderQueries,
    &kEncoderHits,
    &kEncoderHitRatio,
    &kDisaggDecisions,
    &kPdDecisions,
    &kStrictNoMatch,
    &kRevisionShare,
    &kProducerErrors,
    &kUpstreamFailures,
    &kRetries,
    &kEjections,
    &kEjected,
    &kInflightBytes,
    &kCutOff,
    &kProcessCpu,
    &kProcessOpenFds,
    &kProcessMaxFds,
    &kProcessVirtual,
    &kProcessVirtualMax,
    &kProcessResident,
    &kProcessStart,
    &kSpansExported,
    &kSpansDropped,
    &kTracesUnrecorded,
    &kRecorded,
    &kRecordBytes,
    &kRecordDropped,
    &kTapDropped,
    &kTracesKept,
    &kLogLinesDropped,
    &kWireRefusals,
});

}  // namespace pointsman::metric
