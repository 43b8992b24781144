#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/config/params.h"
#include "pointsman/model/signals.h"
#include "pointsman/stage/instance.h"

namespace pointsman {

// Identity of a type, for checking that producer and consumer of a key mean the same thing.
template <typename T>
const void* type_tag() {
  static constexpr char kTag = 0;
  return &kTag;
}

// What stands at a place in Signals, for those who record and restore it.
struct SignalShape {
  DataKey key;               // no type: what a plugin keeps for itself
  std::size_t bytes = 0;     // of one element
  bool per_endpoint = true;  // a column, else a cell
  bool plain = true;         // its bytes are all of it (kPlainSignal)
};

// Gives every data key of one pipeline its place in Signals.
class SignalTable {
 public:
  // The place of a key; the same key gets the same place.
  std::uint16_t place(const SignalShape& shape);
  // The place of a key that has been declared.
  std::optional<std::uint16_t> find(const DataKey& key) const;
  // A place of its own, which nobody else reads.
  std::uint16_t fresh();
  std::size_t size() const { return shapes_.size(); }
  // By place.
  const std::vector<SignalShape>& shapes() const { return shapes_; }

 private:
  std::map<std::string, std::uint16_t, std::less<>> places_;
  std::vector<SignalShape> shapes_;
};

// A plugin that has been built before.
struct BuiltPlugin {
  std::string_view type;  // the one it was configured under
  std::string_view name;
};

// What a plugin gets when it is built: its name, its parameters, and the means to declare which
// signals it reads and writes. An undeclared signal cannot be reached.
class Setup {
 public:
  // `built`: the plugins of the same pipeline that exist already.
  Setup(TypedName name, Block parameters, SignalTable& table, std::vector<BuiltPlugin> built = {})
      : name_(std::move(name)),
        parameters_(std::move(parameters)),
        table_(&table),
        built_(std::move(built)) {}

  const TypedName& name() const { return name_; }
  const Block& parameters() const { return parameters_; }
  const std::vector<BuiltPlugin>& built() const { return built_; }

  // Declares a signal per endpoint (Column) or per request (Cell).
  template <typename T>
  Column<T> writes(const DataKey& key) {
    return {declare<T>(key, Declaration::Access::produces, true)};
  }
  template <typename T>
  Column<T> reads(const DataKey& key) {
    return {declare<T>(key, Declaration::Access::requires_it, true)};
  }
  template <typename T>
  Column<T> reads_if_there(const DataKey& key) {
    return {declare<T>(key, Declaration::Access::reads_if_there, true)};
  }
  template <typename T>
  Cell<T> writes_cell(const DataKey& key) {
    return {declare<T>(key, Declaration::Access::produces, false)};
  }
  template <typename T>
  Cell<T> reads_cell(const DataKey& key) {
    return {declare<T>(key, Declaration::Access::requires_it, false)};
  }
  template <typename T>
  Cell<T> reads_cell_if_there(const DataKey& key) {
    return {declare<T>(key, Declaration::Access::reads_if_there, false)};
  }
  // What the plugin keeps for itself between produce() and its hooks. It is not recorded: filters
  // and scorers must not read it.
  template <typename T>
  Cell<T> keeps() {
    return {table_->fresh()};
  }

  // Declares a key whose values stand in the Fleet, not in Signals.
  void reads_load(const DataKey& key) {
    declarations_.push_back({key, Declaration::Access::requires_it, nullptr});
  }
  void reads_load_if_there(const DataKey& key) {
    declarations_.push_back({key, Declaration::Access::reads_if_there, nullptr});
  }
  void writes_load(const DataKey& key) {
    declarations_.push_back({key, Declaration::Access::produces, nullptr});
  }

  // The plugin reports another type than the one it is configured under.
  void report_type(std::string type) { name_.type = std::move(type); }

  // Takes the declarations made so far.
  std::vector<Declaration> take_declarations() { return std::move(declarations_); }

 private:
  template <typename T>
  std::uint16_t declare(const DataKey& key, Declaration::Access access, bool per_endpoint) {
    declarations_.push_back({key, access, type_tag<T>()});
    return table_->place(
        {.key = key, .bytes = sizeof(T), .per_endpoint = per_endpoint, .plain = kPlainSignal<T>});
  }

  TypedName name_;
  Block parameters_;
  SignalTable* table_;
  std::vector<BuiltPlugin> built_;
  std::vector<Declaration> declarations_;
};

}  // namespace pointsman
