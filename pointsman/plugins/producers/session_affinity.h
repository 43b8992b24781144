#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/plugins/producers/session_bindings.h"
#include "pointsman/stage/registry.h"

namespace pointsman {

struct SessionAffinityParams {
  struct EncodedEndpoint {
    std::string header = "x-session-token";
    static constexpr auto fields() {
      return std::tuple{field("header", &EncodedEndpoint::header,
                              "The header that carries the endpoint, both ways.")};
    }
  };
  struct Source {
    std::string header;
    std::string attribute;
    std::string producer;
    static constexpr auto fields() {
      using P = Source;
      return std::tuple{
          field("header", &P::header, "A request header that holds the session id."),
          field("attribute", &P::attribute, "A producer's finding that holds it."),
          field("producer", &P::producer, "That producer."),
      };
    }
  };
  struct SessionIdConfig {
    std::vector<Source> sources;
    double ttl_seconds = 0.0;
    double sweep_seconds = 0.0;
    static constexpr auto fields() {
      using P = SessionIdConfig;
      return std::tuple{
          field("sources", &P::sources, "Where a session id may be found; the first that has one."),
          field("evictionTtlSeconds", &P::ttl_seconds,
                "So long after its last request a session is forgotten; 0: 300."),
          field("evictionSweepSeconds", &P::sweep_seconds,
                "So often forgotten sessions are looked for; 0: 10."),
      };
    }
  };

  std::string strategy = "encoded_endpoint_header";
  EncodedEndpoint encoded;
  SessionIdConfig session;
  std::string profile;

  static constexpr auto fields() {
    using P = SessionAffinityParams;
    return std::tuple{
        field("strategy", &P::strategy,
              "encoded_endpoint_header: the client carries the endpoint in a header. session_id: "
              "the router remembers where each session went."),
        field("encodedEndpointHeaderConfig", &P::encoded, "Of encoded_endpoint_header."),
        field("sessionIdConfig", &P::session, "Of session_id."),
        field("profileName", &P::profile,
              "The profile whose endpoint is kept; empty: the primary one."),
    };
  }
  // Of the chosen strategy only.
  static Result<void> check(const SessionAffinityParams& params);
};

// What a decision sees of the client's session.
struct SessionTarget {
  EndpointIndex endpoint = kNoEndpoint;  // where it went last, if that is in the fleet
  bool bound = false;                    // the router remembers it, wherever it went

  static constexpr auto recorded() {
    return std::tuple{recorded_as("endpoint", &SessionTarget::endpoint),
                      recorded_as("bound", &SessionTarget::bound)};
  }
};

// Keeps a client at its endpoint (spec/01 section 3.1.3): the state that a filter or scorer of one
// instance stands on.
class SessionAffinity {
 public:
  SessionAffinity(const SessionAffinityParams& params, Setup& setup,
                  std::shared_ptr<SessionBindings> bindings);

  // Where the session should go: looked up once per decision.
  void read(const Context& context, Signals& signals) const;
  // The endpoint that read() found, or kNoEndpoint.
  EndpointIndex target(const Context& context) const;

  void dispatched(const Context& context, const Decision& decision);
  void answered(const Context& context, const Decision& decision, HeaderEdits& response) const;
  // `now` is about a second later each time.
  void sweep(Clock::time_point now);

 private:
  struct Source {
    std::string header;  // empty: the attribute
    Cell<SessionId> attribute;
  };

  SessionTarget decoded(const Context& context) const;
  SessionTarget remembered(const Context& context) const;
  std::string_view session(const Context& context) const;
  const ProfileRun* run(const Decision& decision) const;
  bool was_present(const Decision& decision, const ProfileRun& run, EndpointIndex e) const;

  std::string instance_;
  bool encoded_;
  std::string header_;
  std::string profile_;
  std::vector<Source> sources_;
  Clock::duration ttl_{};
  Clock::duration sweep_every_{};
  Cell<SessionTarget> target_;
  std::shared_ptr<SessionBindings> bindings_;
  Clock::time_point next_sweep_{};  // of sweep() only
};

}  // namespace pointsman
