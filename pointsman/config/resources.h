#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "pointsman/config/params.h"

namespace pointsman {

// The custom resources that speak of requests (spec/02 section 14.3), read from a text in place of
// a cluster: any number of YAML documents of the kinds InferenceObjective and
// InferenceModelRewrite, also as the lists that `kubectl get -o yaml` prints.

// The pool that a resource belongs to.
struct PoolRef {
  std::string group = "inference.networking.k8s.io";
  std::string kind = "InferencePool";
  std::string name;
  Place place;

  static constexpr auto fields() {
    using P = PoolRef;
    return std::tuple{field("group", &P::group, "API group of the pool."),
                      field("kind", &P::kind, "Not checked."),
                      field("name", &P::name, "Name of the pool; required.")};
  }
};

// What of an object's metadata counts.
struct ResourceMeta {
  std::string name;
  std::string ns;                      // empty: not given
  std::chrono::sys_seconds created{};  // the epoch when not given
  Place place;

  // `high` or `team-a/high`.
  std::string text() const { return ns.empty() ? name : ns + "/" + name; }
};

// Says which priority requests have that name it in their objective header.
struct InferenceObjective {
  struct Spec {
    std::optional<PoolRef> pool;
    std::optional<int> priority;

    static constexpr auto fields() {
      using P = Spec;
      return std::tuple{field("poolRef", &P::pool, "The pool; required."),
                        field("priority", &P::priority,
                              "Higher goes first, below 0 may be shed; 0 when absent.")};
    }
  };
  ResourceMeta meta;
  Spec spec;
};

// Which models a rule of InferenceModelRewrite is for.
struct ModelMatch {
  enum class Type { exact };
  static constexpr std::array<Named<Type>, 1> kTypes{{{"Exact", Type::exact}}};

  Type type = Type::exact;
  std::string value;
  Place place;

  static constexpr auto fields() {
    using P = ModelMatch;
    return std::tuple{field("type", &P::type, kTypes, "How names are compared."),
                      field("value", &P::value, "The model that the client asks for.")};
  }
};

// Sends requests for one model to others, by weight.
struct InferenceModelRewrite {
  struct Match {
    std::optional<ModelMatch> model;  // absent: matches nothing

    static constexpr auto fields() {
      return std::tuple{field("model", &Match::model, "By the model's name.")};
    }
  };
  struct Target {
    std::optional<int> weight;
    std::string model;
    Place place;

    static constexpr auto fields() {
      using P = Target;
      return std::tuple{field("weight", &P::weight, Between{1, 1'000'000}, "Its share."),
                        field("modelRewrite", &P::model, "The model to ask for; required.")};
    }
  };
  struct Rule {
    std::vector<Match> matches;  // none: every model
    std::vector<Target> targets;
    Place place;

    static constexpr auto fields() {
      using P = Rule;
      return std::tuple{field("matches", &P::matches, "Any of these; none matches everything."),
                        field("targets", &P::targets, "At least one.")};
    }
  };
  struct Spec {
    std::optional<PoolRef> pool;
    std::vector<Rule> rules;

    static constexpr auto fields() {
      using P = Spec;
      return std::tuple{field("poolRef", &P::pool, "The pool; required."),
                        field("rules", &P::rules, "The first that matches counts; required.")};
    }
  };
  ResourceMeta meta;
  Spec spec;
};

struct Resources {
  static constexpr std::size_t kMaxBytes = std::size_t{1} << 20U;

  std::vector<InferenceObjective> objectives;  // in written order, names of one namespace differ
  std::vector<InferenceModelRewrite> rewrites;
  Diagnostics warnings;
};

// Reads all documents of a text; one without any has no resources.
// Errors: everything that is wrong, with line and column, at most 100 problems: text that is not
// YAML, other kinds, unknown fields, wrong types, missing and repeated names.
std::expected<Resources, Diagnostics> read_resources(std::string_view text);

}  // namespace pointsman
