#include "pointsman/telemetry/otlp_module.h"

#include <bit>
#include <dlfcn.h>
#include <filesystem>
#include <string>
#include <system_error>

namespace pointsman {
namespace {

std::filesystem::path module_path() {
  std::error_code error;
  const auto here = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  auto beside = here / "pointsman-otlp.so";
  if (std::filesystem::exists(beside, error)) return beside;
  return here.parent_path() / "lib/pointsman/pointsman-otlp.so";
}

}  // namespace

Result<std::unique_ptr<SpanSink>> open_otlp(const OtlpSettings& settings,
                                            const TraceResource& resource) {
  const std::filesystem::path path = module_path();
  // Never unloaded: gRPC keeps threads of its own.
  void* const module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) {
    const char* const why = dlerror();  // NOLINT(concurrency-mt-unsafe): glibc's is per thread
    return fail(Code::io, std::string("the OTLP module cannot be loaded: ") + why);
  }
  const auto entry = std::bit_cast<OtlpModuleEntry>(dlsym(module, kOtlpModuleEntry));
  if (entry == nullptr) return fail(Code::io, path.string() + " is not the OTLP module");
  Result<std::unique_ptr<SpanSink>> sink;
  entry(settings, resource, sink);
  return sink;
}

}  // namespace pointsman
