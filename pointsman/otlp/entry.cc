#include <fstream>
#include <iterator>
#include <string>

#include <grpc/support/log.h>
#include <opentelemetry/sdk/common/global_log_handler.h>

#include "pointsman/otlp/sinks.h"
#include "pointsman/telemetry/otlp_module.h"

namespace pointsman {

Result<std::string> read_pem(const std::string& path) {
  if (path.empty()) return std::string();
  std::ifstream file(path);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file || text.empty()) return fail(Code::invalid_config, "cannot read PEM file " + path);
  return text;
}

}  // namespace pointsman

// Declared in otlp_module.h, called through dlsym.
extern "C" [[gnu::visibility("default")]] void pointsman_open_otlp(
    const pointsman::OtlpSettings& settings, const pointsman::TraceResource& resource,
    pointsman::Result<std::unique_ptr<pointsman::SpanSink>>& sink) {
  // Both libraries would write lines of their own on standard error. What is worth knowing comes
  // back in SendOutcome::detail.
  namespace internal_log = opentelemetry::sdk::common::internal_log;
  internal_log::GlobalLogHandler::SetLogHandler(
      opentelemetry::nostd::shared_ptr<internal_log::LogHandler>(
          std::make_shared<internal_log::NoopLogHandler>()));
  gpr_set_log_function([](gpr_log_func_args*) {});
  sink = settings.protocol == pointsman::OtlpProtocol::grpc
             ? pointsman::make_grpc_sink(settings, resource)
             : pointsman::make_http_sink(settings, resource);
}
