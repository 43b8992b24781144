#pragma once

#include <span>
#include <string>
#include <string_view>

#include "pointsman/model/per_endpoint.h"
#include "pointsman/stage/registry.h"

namespace pointsman {

struct HeaderLabelParams {
  std::string header;
  std::string label;

  static constexpr auto fields() {
    using P = HeaderLabelParams;
    return std::tuple{
        field("headerName", &P::header, "The request header; required."),
        field("labelKey", &P::label, "The endpoint label it is compared with; required."),
    };
  }
  static Result<void> check(const HeaderLabelParams& params);
};

// Scores 1 where a request header equals an endpoint's label, else 0.
class HeaderLabelAffinityScorer final : public Scorer {
 public:
  using Params = HeaderLabelParams;
  static constexpr std::string_view kType = "header-label-affinity-scorer";
  static constexpr std::string_view kHelp =
      "Prefers endpoints whose label equals a header of the request.";

  HeaderLabelAffinityScorer(Params params, Setup& setup);
  // There is no useful default.
  static Result<void> accept(const Params& params, const Setup& setup);
  void score(const Context& context, std::span<const EndpointIndex> candidates,
             std::span<double> out) const override;

 private:
  std::string header_;
  std::string label_;
  PerEndpoint<std::string_view> values_;  // of the label; empty where it is absent
};

}  // namespace pointsman
