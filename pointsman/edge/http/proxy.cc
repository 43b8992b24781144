#include "pointsman/edge/http/proxy.h"

#include <utility>

#include "pointsman/edge/http/proxy_session.h"

namespace pointsman {

ProxyShared::ProxyShared(Loop& own_loop,
                         const Published<std::shared_ptr<const Pipeline>>& pipelines,
                         Tracer& own_tracer, EngineWorker& own_worker, ProxyOptions own_options)
    : loop(own_loop),
      pipeline(pipelines),
      tracer(own_tracer),
      worker(own_worker),
      options(std::move(own_options)),
      budget(options.retry.share),
      client(loop, options.client),
      server(loop, options.server, [this](std::unique_ptr<HttpExchange> exchange) {
        sessions.take(*this)->start(std::move(exchange));
      }) {
  if (options.keys != nullptr) keys.emplace(*options.keys);
}

void ProxyShared::give_back(ProxySession* session) {
  sessions.give_back(session);
  if (server_drained) look_drained();
}

Result<std::shared_ptr<TlsContext>> ProxyShared::upstream_tls() {
  if (options.upstream_tls == nullptr) {
    POINTSMAN_TRY(made, TlsContext::client({}));
    options.upstream_tls = std::move(made);
  }
  return options.upstream_tls;
}

// Upgraded connections are no longer the server's, but their sessions are still at work.
void ProxyShared::look_drained() {
  if (drained && sessions.active() == 0) loop.defer(std::exchange(drained, nullptr));
}

HttpProxy::HttpProxy(Loop& loop, const Published<std::shared_ptr<const Pipeline>>& pipelines,
                     Tracer& tracer, EngineWorker& worker, ProxyOptions options)
    : shared_(std::make_unique<ProxyShared>(loop, pipelines, tracer, worker, std::move(options))) {}

HttpProxy::~HttpProxy() = default;

void HttpProxy::serve(std::unique_ptr<Stream> stream) {
  shared_->server.serve(std::move(stream));
}

void HttpProxy::part() {
  shared_->server.part();
}

void HttpProxy::drain(Loop::Task done) {
  shared_->drained = std::move(done);
  shared_->server.drain([shared = shared_.get()] {
    shared->server_drained = true;
    shared->look_drained();
  });
}

std::size_t HttpProxy::active() const {
  return shared_->sessions.active();
}

}  // namespace pointsman
