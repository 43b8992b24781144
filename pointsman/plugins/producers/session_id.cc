#include "pointsman/plugins/producers/session_id.h"

#include "pointsman/base/text.h"

namespace pointsman {
namespace {

// The value of the first cookie of that name in a Cookie header.
std::string_view cookie_value(std::string_view header, std::string_view name) {
  while (!header.empty()) {
    const std::string_view pair = trim(take_part(header, ';'));
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == name) {
      return pair.substr(equals + 1);
    }
  }
  return {};
}

}  // namespace

Result<void> SessionIdParams::check(const SessionIdParams& params) {
  const bool header = !trim(params.header).empty();
  if (header != !params.cookie.empty()) return {};
  return fail(Code::invalid_config,
              "'session-id-producer' requires exactly one of headerName or cookieName to be set" +
                  std::string(header ? ", not both" : ""));
}

SessionIdProducer::SessionIdProducer(const Params& params, Setup& setup)
    : header_(to_lower(trim(params.header))),
      cookie_(params.cookie),
      session_(setup.writes_cell<SessionId>({"SessionIDDataKey", setup.name().name})) {}

Result<void> SessionIdProducer::produce(const Context& context,
                                        std::span<const EndpointIndex> /*candidates*/,
                                        Signals& signals) const {
  const Request& request = context.request;
  const std::string_view id = trim(header_.empty() ? cookie_value(request.header("cookie"), cookie_)
                                                   : request.header(header_));
  if (!id.empty()) signals.write(session_) = {.id = id};
  return {};
}

}  // namespace pointsman
