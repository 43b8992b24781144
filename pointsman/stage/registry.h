#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pointsman/base/result.h"
#include "pointsman/stage/setup.h"

namespace pointsman {

enum class Stability : std::uint8_t { alpha, beta, stable };
std::string_view text(Stability stability);  // "Alpha", "Beta", "Stable"

struct Deprecation {
  std::string_view since;
  std::string_view removal;
  std::string_view replacement;  // a plugin type
};

// One line of the catalogue.
struct Registration {
  std::string_view type;
  std::string_view help;
  Stability stability = Stability::beta;
  std::optional<Deprecation> deprecated;
  std::vector<DataKey> default_for;  // keys for which it is created when nobody else produces them
  std::function<Result<Instance>(Setup&)> make;
  std::vector<FieldDoc> (*parameters)() = nullptr;  // what documentation and schema say of them
};

// Parameters of a plugin that has none. Whatever a configuration writes there is ignored, as the
// reference does.
struct NoParams {};

// A plugin type that add() can register: a type name, a help sentence, parameters declared as a
// table of fields (config/params.h), and a constructor from parameters and Setup.
template <typename P>
concept Plugin = requires(typename P::Params params, Setup& setup) {
  { P::kType } -> std::convertible_to<std::string_view>;
  { P::kHelp } -> std::convertible_to<std::string_view>;
  requires std::constructible_from<P, typename P::Params, Setup&>;
};

// What the reference calls a plugin by its role.
template <typename P>
constexpr std::string_view role_text() {
  if constexpr (std::derived_from<P, Filter>) return "filter";
  if constexpr (std::derived_from<P, Scorer>) return "scorer";
  if constexpr (std::derived_from<P, Picker>) return "picker";
  if constexpr (std::derived_from<P, ProfileHandler>) return "profile handler";
  return "plugin";
}

// What stands before an error in a plugin's parameters, as the reference words it: P::kParseError
// where a plugin has words of its own, else by its role.
template <typename P>
std::string parse_error(std::string_view type) {
  if constexpr (requires { P::kParseError; }) return std::string(P::kParseError);
  return "failed to parse the parameters of the '" + std::string(type) + "' " +
         std::string(role_text<P>()) + " - ";
}

// Everything a configuration can name. An object, built once and handed down; no global state.
//
// Threading: immutable once built.
class Registry {
 public:
  // Adds a plugin. `more` completes the line: stability, deprecation, default keys, and a type and
  // help of its own where one class stands under several. P may have more static members:
  //   Result<void> accept(const Params&, const Setup&)  what only the configuration around it tells
  //   bool ignores_parameters(const Setup&)             they are then not even read
  //   kParseError                                       see parse_error()
  // and P::Params one: Result<Params> read(const Block&), where they come in more than one form.
  template <Plugin P>
  void add(Registration more = {}) {
    if (more.type.empty()) more.type = P::kType;
    if (more.help.empty()) more.help = P::kHelp;
    if constexpr (!std::same_as<typename P::Params, NoParams>) {
      more.parameters = describe<typename P::Params>;
    }
    more.make = [type = more.type](Setup& setup) -> Result<Instance> {
      typename P::Params params;
      if constexpr (!std::same_as<typename P::Params, NoParams>) {
        if (reads_parameters<P>(setup)) {
          auto given = given_to<P>(type, setup.parameters());
          if (!given) return std::unexpected(given.error());
          params = *std::move(given);
        }
      }
      if constexpr (requires { P::accept(params, setup); }) {
        if (auto fits = P::accept(params, setup); !fits) return std::unexpected(fits.error());
      }
      Instance instance;
      instance.type = type;
      instance.play(std::make_shared<P>(std::move(params), setup));
      instance.name = setup.name();
      instance.declarations = setup.take_declarations();
      return instance;
    };
    insert(std::move(more));
  }

  // The line of a type, or nullptr.
  const Registration* find(std::string_view type) const;
  // All lines, by type.
  std::vector<const Registration*> all() const;
  // The type that is created for a key by default, or nullptr.
  const Registration* default_producer(const DataKey& key) const;
  // Known types that look like `type`, nearest first, at most three.
  std::vector<std::string> nearest(std::string_view type) const;

 private:
  template <typename P>
  static bool reads_parameters([[maybe_unused]] const Setup& setup) {
    if constexpr (requires { P::ignores_parameters(setup); }) return !P::ignores_parameters(setup);
    return true;
  }
  // The parameters of P that a block gives.
  template <typename P>
  static Result<typename P::Params> given_to(std::string_view type, const Block& block) {
    if constexpr (requires { P::Params::read(block); }) return P::Params::read(block);
    Diagnostics problems;
    auto given = decode<typename P::Params>(block, problems);
    if (!given) return fail(Code::invalid_config, parse_error<P>(type) + given.error().message);
    if (auto kept = check_rule(block, *given, problems); !kept) {
      return std::unexpected(kept.error());
    }
    return given;
  }
  void insert(Registration registration);

  std::map<std::string_view, Registration, std::less<>> lines_;
};

}  // namespace pointsman
