#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/model/per_endpoint.h"
#include "pointsman/stage/registry.h"

namespace pointsman {

struct ByLabelParams {
  std::string label;
  std::vector<std::string> valid_values;
  bool allows_no_label = false;

  static constexpr auto fields() {
    using P = ByLabelParams;
    return std::tuple{
        field("label", &P::label, "The label's name; required."),
        field("validValues", &P::valid_values, "Values of endpoints that stay."),
        field("allowsNoLabel", &P::allows_no_label, "Endpoints without the label stay too."),
    };
  }
  static Result<void> check(const ByLabelParams& params);
};

// Keeps the endpoints whose label has one of some values. Deprecated: LabelSelectorFilter says
// more.
class ByLabelFilter final : public Filter {
 public:
  using Params = ByLabelParams;
  static constexpr std::string_view kType = "by-label";
  static constexpr std::string_view kHelp =
      "Keeps endpoints whose label has one of the given values.";

  ByLabelFilter(Params params, Setup& setup);
  void filter(const Context& context, Candidates& candidates) const override;

 private:
  Params params_;
  PerEndpoint<bool> stays_;
};

// The stage of disaggregated serving that an endpoint's label llm-d.ai/role makes it fit for.
enum class Role : std::uint8_t { decode, prefill, encode };

// Keeps the endpoints fit for a stage (spec/01 section 3.1.2). It reports the type by-label.
template <Role kRole>
class RoleFilter final : public Filter {
 public:
  using Params = NoParams;
  static constexpr std::string_view kType = kRole == Role::decode    ? "decode-filter"
                                            : kRole == Role::prefill ? "prefill-filter"
                                                                     : "encode-filter";
  static constexpr std::string_view kHelp =
      kRole == Role::decode    ? "Keeps endpoints that decode, and those without a role."
      : kRole == Role::prefill ? "Keeps endpoints whose role includes prefill."
                               : "Keeps endpoints whose role includes encode.";

  RoleFilter(Params /*params*/, Setup& setup) {
    setup.report_type(std::string(ByLabelFilter::kType));
  }
  void filter(const Context& context, Candidates& candidates) const override;

 private:
  PerEndpoint<bool> stays_;
};

using DecodeFilter = RoleFilter<Role::decode>;
using PrefillFilter = RoleFilter<Role::prefill>;
using EncodeFilter = RoleFilter<Role::encode>;
extern template class RoleFilter<Role::decode>;
extern template class RoleFilter<Role::prefill>;
extern template class RoleFilter<Role::encode>;

}  // namespace pointsman
