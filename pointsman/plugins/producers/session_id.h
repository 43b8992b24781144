#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "pointsman/stage/registry.h"

namespace pointsman {

struct SessionIdParams {
  std::string header;
  std::string cookie;

  static constexpr auto fields() {
    using P = SessionIdParams;
    return std::tuple{
        field("headerName", &P::header, "The header that is the session id."),
        field("cookieName", &P::cookie, "The cookie that is the session id; case counts."),
    };
  }
  // Exactly one of the two.
  static Result<void> check(const SessionIdParams& params);
};

// Finds the client's session id in a header or cookie.
class SessionIdProducer final : public Producer {
 public:
  using Params = SessionIdParams;
  static constexpr std::string_view kType = "session-id-producer";
  static constexpr std::string_view kHelp = "Finds the client's session id in a header or cookie.";

  SessionIdProducer(const Params& params, Setup& setup);
  Result<void> produce(const Context& context, std::span<const EndpointIndex> candidates,
                       Signals& signals) const override;

 private:
  std::string header_;
  std::string cookie_;
  Cell<SessionId> session_;
};

}  // namespace pointsman
