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
        take()->start(std::move(exchange));
      }) {
  if (options.keys != nullptr) keys.emplace(*options.keys);
}

ProxySession* ProxyShared::take() {
  if (idle.empty()) {
    sessions.push_back(std::make_unique<ProxySession>(*this));
    idle.reserve(sessions.size());
    return sessions.back().get();
  }
  ProxySession* const session = idle.back();
  idle.pop_back();
  return session;
}

void ProxyShared::give_back(ProxySession* session) {
  idle.push_back(session);
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
  if (drained && idle.size() == sessions.size()) loop.defer(std::exchange(drained, nullptr));
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
  return shared_->sessions.size() - shared_->idle.size();
}

}  // namespace pointsman
