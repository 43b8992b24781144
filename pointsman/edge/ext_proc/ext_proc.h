#pragma once

#include <cstddef>
#include <memory>

#include "pointsman/base/published.h"
#include "pointsman/engine/pipeline.h"
#include "pointsman/telemetry/tracer.h"
#include "pointsman/wire/byte_budget.h"
#include "pointsman/wire/grpc_call.h"
#include "pointsman/wire/loop.h"

namespace pointsman {

struct ExtProcOptions {
  std::size_t max_body = std::size_t{64} << 20U;  // bytes of a request body; more: status 413
  bool emit_scores = false;      // the score of every candidate, as metadata for the proxy
  bool decision_header = false;  // x-pointsman-decision on responses
  bool stream_metrics = false;   // the metrics of StreamMetrics
  // Bytes of request bodies in memory, over all that share it; null: no limit. What would go beyond
  // is refused with 503. Outlives the sessions.
  ByteBudget* memory = nullptr;
};

// One worker's half of the endpoint picker: envoy.service.ext_proc.v3.ExternalProcessor. Each call
// is one HTTP transaction of the proxy: its request is gathered, decided and handed back, its
// response streams through (spec/03 sections 3 to 5).
//
// Threading: the thread of the worker's loop.
class ExtProc final {
 public:
  // All references outlive this object, and it outlives the connections that serve its routes.
  ExtProc(Loop& loop, const Published<std::shared_ptr<const Pipeline>>& pipelines, Tracer& tracer,
          EngineWorker& worker, const ExtProcOptions& options);
  ~ExtProc();
  ExtProc(const ExtProc&) = delete;
  ExtProc& operator=(const ExtProc&) = delete;

  // Adds the Process method.
  void add_to(GrpcRoutes& routes);

  // Transactions in progress.
  std::size_t active() const;

 private:
  friend class ExtProcSession;
  struct Shared;

  std::unique_ptr<Shared> shared_;
};

}  // namespace pointsman
