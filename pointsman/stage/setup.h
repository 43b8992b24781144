#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/config/params.h"
#include "pointsman/model/recorded.h"
#include "pointsman/model/signals.h"
#include "pointsman/stage/instance.h"
#include "pointsman/stage/signal_table.h"

namespace pointsman {

// Identity of a type, for checking that producer and consumer of a key mean the same thing.
template <typename T>
const void* type_tag() {
  static constexpr char kTag = 0;
  return &kTag;
}

// A plugin that has been built before.
struct BuiltPlugin {
  std::string_view type;  // the one it was configured under
  std::string_view name;
};

// What a plugin gets when it is built: its name, its parameters, and the means to declare which
// signals it reads and writes. An undeclared signal cannot be reached.
//
// Filters, scorers, pickers and profile handlers are pure functions of what a decision record
// holds, so that `pointsman replay` finds the same answer: the Fleet (identities, labels, loads
// with their age), `now` and `stale_before` of the Context, the seed, the signals declared here at
// the candidates, and of the Request its id, models, path, fairness id, priority, `stream`,
// `max_output_tokens`, `body_bytes`, `received`, the headers declared here, and of `prompts` how
// many images, sounds and videos there are. They do not read other parts of `prompts`, `cache_salt`
// or another header, nor state of their own: what has state is read into a signal by the plugin's
// produce() and changed in its hooks.
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
  template <Recordable T>
  Column<T> writes(const DataKey& key) {
    return {declare<T>(key, Declaration::Access::produces, true)};
  }
  template <Recordable T>
  Column<T> reads(const DataKey& key) {
    return {declare<T>(key, Declaration::Access::requires_it, true)};
  }
  template <Recordable T>
  Column<T> reads_if_there(const DataKey& key) {
    return {declare<T>(key, Declaration::Access::reads_if_there, true)};
  }
  template <Recordable T>
  Cell<T> writes_cell(const DataKey& key) {
    return {declare<T>(key, Declaration::Access::produces, false)};
  }
  template <Recordable T>
  Cell<T> reads_cell(const DataKey& key) {
    return {declare<T>(key, Declaration::Access::requires_it, false)};
  }
  template <Recordable T>
  Cell<T> reads_cell_if_there(const DataKey& key) {
    return {declare<T>(key, Declaration::Access::reads_if_there, false)};
  }
  // What the plugin keeps for itself between produce() and its hooks. It is not recorded: filters
  // and scorers must not read it.
  template <typename T>
  Cell<T> keeps() {
    return {table_->fresh()};
  }

  // Declares a request header that a filter, scorer or profile handler reads, by its lower-case
  // name; it is recorded with its value.
  void reads_header(std::string_view header) { table_->add_header(header); }

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
    // A column and a cell of one type are not the same thing.
    const void* const tag = per_endpoint ? type_tag<Column<T>>() : type_tag<Cell<T>>();
    declarations_.push_back({key, access, tag});
    return table_->place(
        {.key = key.text(), .per_endpoint = per_endpoint, .shape = &shape_of<T>()});
  }

  TypedName name_;
  Block parameters_;
  SignalTable* table_;
  std::vector<BuiltPlugin> built_;
  std::vector<Declaration> declarations_;
};

}  // namespace pointsman
