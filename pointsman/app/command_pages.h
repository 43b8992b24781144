#pragma once

#include <cstddef>
#include <string_view>

namespace pointsman {

// What each command says of itself when asked for help; the flags between are their own.

inline constexpr std::string_view kHelp =
    R"(Pointsman routes each LLM request to the model server that will answer it best, and says why.

Usage: pointsman COMMAND [flags]

Commands
  serve    Router: an HTTP proxy before two or more model servers. Start here.
  epp      Endpoint picker for Envoy (ext_proc), in place of the llm-d Endpoint Picker.
  sim      Simulated model servers to try a router on, without a GPU.
  check    Says what is wrong with a configuration, or prints the effective one.
  why      Explains a decision of a running router.
  tap      Shows the decisions of a running router as they end.
  replay   Decides recorded decisions again and compares, bit by bit.
  whatif   Tells what another configuration would have decided.
  load     Replays recorded requests against several targets and compares what clients see.

  pointsman COMMAND --help explains a command and its flags; pointsman --version says which this is.

Try it: three simulated servers, a router before them, one request, and why it went where it did
  pointsman sim --count 3 --port 8001 &
  pointsman serve --endpoint http://127.0.0.1:8001 --endpoint http://127.0.0.1:8002 \
                  --endpoint http://127.0.0.1:8003 &
  curl http://127.0.0.1:8080/v1/chat/completions -H 'content-type: application/json' \
       -d '{"model": "sim-model", "messages": [{"role": "user", "content": "Hello"}]}'
  pointsman why --last
)";

// How one command presents itself.
struct Page {
  std::string_view name;
  std::string_view usage;
  std::string_view about;
  std::string_view epilogue;
  std::size_t most_words;  // that are no flags
};

inline constexpr std::size_t kAnyNumber = 1'000'000;

inline constexpr Page kServe = {
    "serve", "pointsman serve --endpoint URL --endpoint URL ... [flags]",
    "pointsman serve stands before your model servers as one OpenAI-compatible HTTP endpoint. It "
    "parses chat completions and completions, picks a server for each by load and cached prefixes, "
    "and passes everything else through. Without a configuration it uses the built-in default.",
    R"(Examples
  pointsman serve --endpoint http://10.0.0.1:8000 --endpoint http://10.0.0.2:8000
  pointsman serve --endpoints-file endpoints.yaml --config-file router.yaml --host 0.0.0.0

endpoints.yaml
  endpoints:
  - {name: a, address: 10.0.0.1, port: 8000}
  - {name: b, address: gpu2.example.com, port: 8000}

Answers carry x-pointsman-decision; `pointsman why ID` explains it. Metrics and readiness are on
http://127.0.0.1:9090 (/metrics, /readyz, /endpoints, /decisions).
)",
    0};

inline constexpr Page kEpp = {
    "epp", "pointsman epp --pool-name NAME --config-file FILE [flags]",
    "pointsman epp is an endpoint picker: Envoy's ext_proc filter asks it where each request "
    "should "
    "go. It takes the flags, configuration files, metrics and spans of the llm-d Endpoint Picker, "
    "in whose place it runs, also under the name epp. Without Kubernetes the configuration names a "
    "file-discovery plugin, which reads the endpoints from a file.",
    R"(Example
  pointsman epp --pool-name my-pool --config-file epp.yaml --grpc-port 9002 \
                --grpc-health-port 9003 --metrics-port 9090 --secure-serving=false \
                --metrics-endpoint-auth=false

epp.yaml, for endpoints that a file lists
  apiVersion: llm-d.ai/v1alpha1
  kind: EndpointPickerConfig
  plugins:
  - {type: queue-scorer}
  - {type: prefix-cache-scorer}
  - {type: file-discovery, parameters: {path: endpoints.yaml, watchFile: true}}
  dataLayer: {discovery: {pluginRef: file-discovery}}

endpoints.yaml
  endpoints:
  - {name: a, address: 10.0.0.1, port: "8000"}

`pointsman check --config-file epp.yaml` says what is wrong with it, or all that it amounts to.
)",
    kAnyNumber};

inline constexpr Page kSim = {
    "sim", "pointsman sim [--count N] [--port P] [flags]",
    "pointsman sim runs model servers that answer as vLLM does (chat, completions, streaming, "
    "/metrics, /v1/models, /health) with the timing of a batching GPU server, but make up their "
    "text. POST /sim/faults on a server makes it die, hang, slow down or lie.",
    R"(Example
  pointsman sim --count 8 --port 8001 --time-scale 5
)",
    0};

inline constexpr Page kLoad = {
    "load", "pointsman load --trace FILE --target NAME=URL... [flags]",
    "pointsman load sends a recorded workload at its own pace to one or more servers or routers at "
    "once, and compares what their clients see. Times are those of the simulated servers' model.",
    R"(Example
  pointsman load --trace examples/mooncake/conversation_600.jsonl --time-scale 5 \
                 --target a=http://127.0.0.1:8080 --target b=http://127.0.0.1:8090
)",
    0};

inline constexpr Page kCheck = {
    "check", "pointsman check [FILE | --config-file FILE]",
    "pointsman check reads a configuration as the routers would. It lists every problem with its "
    "line and exits with 1, or prints the effective configuration, with everything that is "
    "injected "
    "by default, and exits with 0.",
    R"(Examples
  pointsman check epp.yaml
  pointsman check                              the built-in default, spelled out
  pointsman check epp.yaml --fix               replaces old spellings: writes epp.fixed.yaml
  pointsman check --schema                     for editors
)",
    1};

inline constexpr Page kWhy = {
    "why", "pointsman why [ID | --last] [flags]",
    "pointsman why asks a running router for one decision and shows it as a table: the candidates, "
    "which filter dropped whom, what every scorer gave, the pick and the runner-up, and one "
    "sentence that says what decided. ID is the response header x-pointsman-decision.",
    R"(Examples
  pointsman why --last
  pointsman why 00c0ffee00c0ffee --admin http://127.0.0.1:9191     a router with --metrics-port=9191
)",
    1};

inline constexpr Page kTap = {
    "tap", "pointsman tap [--where EXPR] [flags]",
    "pointsman tap shows one line for every request of a running router when it ends: where it "
    "went, by which margin, and what became of it. A reader that is too slow loses lines and is "
    "told how many; requests never wait.",
    R"(EXPR compares fields with = != < <= > >= and ~ (contains), joined by and, or, not and ( ):
  endpoint model target_model request_id end error decider served_by
  status margin ties candidates dropped priority attempts body_bytes ttft_ms duration_ms
  prompt_tokens output_tokens cached_tokens predicted_cached_tokens schedule_us

Examples
  pointsman tap --where 'status >= 500 or end != finished'
  pointsman tap --where 'endpoint ~ pod-7 and margin < 0.05' --json
)",
    0};

inline constexpr Page kReplay = {
    "replay", "pointsman replay FILE|DIR... [flags]",
    "pointsman replay decides every decision that a router wrote with --record again, with the "
    "same code, and compares candidates, picks and the exact scores of every scorer. It exits "
    "with 1 if one differs and shows the first.",
    R"(Examples
  pointsman replay /var/lib/pointsman/decisions
  pointsman replay decisions-20261122T080000Z-0001.pmr --config-file changed.yaml
)",
    kAnyNumber};

inline constexpr Page kWhatIf = {
    "whatif", "pointsman whatif --config-file NEW FILE|DIR...",
    "pointsman whatif lets another configuration decide every recorded decision, and tells how "
    "many picks change, where load moves and what that does to cached prefixes. It also says what "
    "it cannot know.",
    R"(Example
  pointsman whatif --config-file heavier-prefix.yaml /var/lib/pointsman/decisions
)",
    kAnyNumber};

}  // namespace pointsman
