#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pointsman/base/random.h"
#include "pointsman/base/result.h"
#include "pointsman/sim/fault.h"
#include "pointsman/sim/sim.h"
#include "pointsman/sim/sim_engine.h"
#include "pointsman/wire/http_server.h"
#include "pointsman/wire/listener.h"
#include "pointsman/wire/loop.h"

namespace pointsman {

// One simulated model server: what vLLM shows over HTTP, and two things of its own for tests,
// /sim/faults and /sim/requests.
// Threading: the loop's thread.
class SimServer {
 public:
  // Brings faults to the server they are meant for, which may be another one.
  using FaultDesk = std::function<Result<std::string>(const FaultOrder&, std::size_t from)>;

  static Result<std::unique_ptr<SimServer>> open(Loop& loop, const SimOptions& options,
                                                 std::size_t number, const Address& at,
                                                 FaultDesk desk);
  ~SimServer();

  const Address& address() const { return address_; }

  // A dead server listens again, on the same port, when its faults are cleared.
  void apply(const FaultOrder& order);
  std::string faults_json() const { return faults_.json(); }

 private:
  // What the body of a POST is for.
  using Use = std::move_only_function<void(std::unique_ptr<HttpExchange>, std::string_view body)>;
  struct Arriving {  // a request whose body is on its way
    std::unique_ptr<HttpExchange> exchange;
    BodyBuffer body{};
    Use use;
  };
  struct Seen {  // for GET /sim/requests
    std::string method;
    std::string target;
    HttpFields fields;
    std::size_t body_bytes = 0;
  };

  SimServer(Loop& loop, const SimOptions& options, std::size_t number, FaultDesk desk);

  Result<void> listen(const Address& at);
  void close();
  void clear_faults();
  void update_engine();

  void serve(std::unique_ptr<HttpExchange> exchange);
  void show(HttpExchange& exchange, std::string_view path);
  void control(HttpExchange& exchange, std::string_view body);
  void receive(std::unique_ptr<HttpExchange> exchange, Use use);
  void complete(std::unique_ptr<HttpExchange> exchange, CompletionKind kind, std::string_view body);
  void metrics(std::unique_ptr<HttpExchange> exchange);
  void hold(std::unique_ptr<HttpExchange> exchange);
  void pour(std::uint64_t key);  // more of an endless page
  void respond(HttpExchange& exchange, int status, std::string_view json) const;
  void refuse(HttpExchange& exchange, int status, std::string_view message,
              std::string_view param = {}) const;
  void remember(const HttpExchange& exchange, std::size_t body_bytes);
  std::string models_json() const;
  std::string seen_json() const;
  std::string request_id(const HttpExchange& exchange);
  HttpFields answer_fields(std::string_view request_id) const;
  bool serves(std::string_view model) const;

  Loop& loop_;
  const SimOptions options_;
  std::size_t number_;
  FaultDesk desk_;
  Address address_;
  Random random_;
  SimEngine engine_;
  ActiveFaults faults_;
  std::uint64_t next_key_ = 0;
  std::unordered_map<std::uint64_t, std::unique_ptr<Arriving>> arriving_;
  std::unordered_map<std::uint64_t, std::unique_ptr<HttpExchange>> held_;   // until cleared
  std::unordered_map<std::uint64_t, std::unique_ptr<HttpExchange>> pours_;  // endless pages
  std::deque<Seen> seen_;
  Timer death_;     // closes everything, outside the callbacks of what it closes
  Timer recovery_;  // ends faults that last a limited time, and retries a busy port
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace pointsman
