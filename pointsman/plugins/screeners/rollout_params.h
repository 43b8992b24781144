#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pointsman/stage/registry.h"

namespace pointsman {

// Which roles a revision must have. (Here and not inside of RolloutParams: Clang reads the default
// values of a nested struct only when the outer one is complete, too late for std::optional.)
struct RolloutRoles {
  std::vector<std::string> values;

  static constexpr auto fields() {
    return std::tuple{field("values", &RolloutRoles::values, "At least one.")};
  }
};

// How requests are shared among revisions.
struct RolloutGating {
  std::string revision_label = "disaggregatedset.x-k8s.io/revision";
  std::string role_label = "disaggregatedset.x-k8s.io/role";
  std::string mode;
  std::optional<RolloutRoles> roles;

  bool active() const { return mode != "disabled"; }

  static constexpr auto fields() {
    using P = RolloutGating;
    return std::tuple{
        field("revisionLabelKey", &P::revision_label, "The label that names the revision."),
        field("roleLabelKey", &P::role_label, "The label that names the role."),
        field("mode", &P::mode,
              "sum: by the pods of all required roles; max-role: by those of the most frequent "
              "one; disabled."),
        field("requireRoles", &P::roles, "Roles without which a revision gets no requests."),
    };
  }
};

// Parameters of disaggregatedset-rollout-screener.
struct RolloutParams {
  using Roles = RolloutRoles;
  using Gating = RolloutGating;

  struct Scope {
    std::string selector;

    static constexpr auto fields() {
      return std::tuple{
          field("labelSelector", &Scope::selector, "Which endpoints belong to the set; required.")};
    }
  };
  struct HeaderSelector {
    std::string name;
    std::string header;
    std::string label;
    std::string mode;

    bool strict() const { return mode == "strict"; }

    static constexpr auto fields() {
      using P = HeaderSelector;
      return std::tuple{
          field("name", &P::name, "A label of the metric; required."),
          field("headerName", &P::header, "The header; required, case does not count."),
          field("labelKey", &P::label, "The endpoints' label; required."),
          field("mode", &P::mode,
                "strict: only endpoints whose label is the header's value; prefer: only tell the "
                "client which one it was."),
      };
    }
  };
  Scope scope;
  std::vector<HeaderSelector> selectors;
  std::optional<Gating> gating;

  static constexpr auto fields() {
    using P = RolloutParams;
    return std::tuple{
        field("scope", &P::scope, "The set."),
        field("headerSelectors", &P::selectors, "Labels that clients may ask for and are told."),
        field("revisionGating", &P::gating, "How requests are shared among revisions; required."),
    };
  }
  // Parameters have to be written. Header names become lower-case.
  static Result<RolloutParams> read(const Block& block);
  static Result<void> check(const RolloutParams& params);
};

}  // namespace pointsman
