#include "pointsman/edge/ext_proc/ext_proc.h"

#include <memory>

#include "pointsman/edge/ext_proc/ext_proc_session.h"

namespace pointsman {
namespace {

constexpr const char* kProcess = "/envoy.service.ext_proc.v3.ExternalProcessor/Process";

// The call's end of a session, which lives on in its pool.
class Receiver final : public GrpcReceiver {
 public:
  explicit Receiver(ExtProcSession& session) : session_(session) {}
  void received(std::string_view message) override { session_.received(message); }
  void half_closed() override { session_.half_closed(); }
  void cancelled(GrpcStatus why, std::string_view message) override {
    session_.cancelled(why, message);
  }

 private:
  ExtProcSession& session_;
};

}  // namespace

ExtProc::Shared::Shared(Loop& loop, const Published<std::shared_ptr<const Pipeline>>& pipelines,
                        Tracer& own_tracer, EngineWorker& own_worker,
                        const ExtProcOptions& own_options)
    : pipeline(pipelines),
      tracer(own_tracer),
      worker(own_worker),
      options(own_options),
      routing_times(loop, own_worker.shard) {
  if (options.stream_metrics) stream_metrics.emplace(worker.shard);
}

ExtProc::Shared::~Shared() = default;

ExtProc::ExtProc(Loop& loop, const Published<std::shared_ptr<const Pipeline>>& pipelines,
                 Tracer& tracer, EngineWorker& worker, const ExtProcOptions& options)
    : shared_(std::make_unique<Shared>(loop, pipelines, tracer, worker, options)) {}

ExtProc::~ExtProc() = default;

void ExtProc::add_to(GrpcRoutes& routes) {
  routes.streaming(kProcess, [shared = shared_.get()](GrpcCall& call) {
    ExtProcSession& session = *shared->sessions.take(*shared);
    session.start(call);
    return std::make_unique<Receiver>(session);
  });
}

std::size_t ExtProc::active() const {
  return shared_->sessions.active();
}

}  // namespace pointsman
