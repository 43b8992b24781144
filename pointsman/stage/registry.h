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

// Everything a configuration can name. An object, built once and handed down; no global state.
//
// Threading: immutable once built.
class Registry {
 public:
  // Adds a plugin. `more` completes the line: stability, deprecation, default keys.
  template <Plugin P>
  void add(Registration more = {}) {
    more.type = P::kType;
    more.help = P::kHelp;
    more.make = [](Setup& setup) -> Result<Instance> {
      typename P::Params params;
      if constexpr (!std::same_as<typename P::Params, NoParams>) {
        POINTSMAN_TRY(given, parse<typename P::Params>(setup.parameters()));
        params = std::move(given);
      }
      Instance instance;
      instance.type = P::kType;
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
  void insert(Registration registration);

  std::map<std::string_view, Registration, std::less<>> lines_;
};

}  // namespace pointsman
