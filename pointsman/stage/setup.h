#pragma once

#include <cstdint>
#include <map>
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

// Gives every data key of one pipeline its place in Signals.
class SignalTable {
 public:
  // The place of a key; the same key gets the same place.
  std::uint16_t place(const DataKey& key);
  // A place of its own.
  std::uint16_t fresh() { return next_++; }
  std::size_t size() const { return next_; }

 private:
  std::map<std::string, std::uint16_t, std::less<>> places_;
  std::uint16_t next_ = 0;
};

// What a plugin gets when it is built: its name, its parameters, and the means to declare which
// signals it reads and writes. An undeclared signal cannot be reached.
class Setup {
 public:
  Setup(TypedName name, Block parameters, SignalTable& table)
      : name_(std::move(name)), parameters_(std::move(parameters)), table_(&table) {}

  const TypedName& name() const { return name_; }
  const Block& parameters() const { return parameters_; }

  // Declares a signal per endpoint (Column) or per request (Cell).
  template <typename T>
  Column<T> writes(const DataKey& key) {
    return {declare(key, Declaration::Access::produces, type_tag<T>())};
  }
  template <typename T>
  Column<T> reads(const DataKey& key) {
    return {declare(key, Declaration::Access::requires_it, type_tag<T>())};
  }
  template <typename T>
  Column<T> reads_if_there(const DataKey& key) {
    return {declare(key, Declaration::Access::reads_if_there, type_tag<T>())};
  }
  template <typename T>
  Cell<T> writes_cell(const DataKey& key) {
    return {declare(key, Declaration::Access::produces, type_tag<T>())};
  }
  template <typename T>
  Cell<T> reads_cell(const DataKey& key) {
    return {declare(key, Declaration::Access::requires_it, type_tag<T>())};
  }
  // What the plugin keeps for itself between produce() and dispatched().
  template <typename T>
  Cell<T> keeps() {
    return {table_->fresh()};
  }

  // Declares a key whose values stand in the Fleet, not in Signals.
  void reads_load(const DataKey& key) {
    declarations_.push_back({key, Declaration::Access::requires_it, nullptr});
  }
  void writes_load(const DataKey& key) {
    declarations_.push_back({key, Declaration::Access::produces, nullptr});
  }

  // The plugin reports another type than the one it is configured under.
  void report_type(std::string type) { name_.type = std::move(type); }

  // Takes the declarations made so far.
  std::vector<Declaration> take_declarations() { return std::move(declarations_); }

 private:
  std::uint16_t declare(const DataKey& key, Declaration::Access access, const void* type) {
    declarations_.push_back({key, access, type});
    return table_->place(key);
  }

  TypedName name_;
  Block parameters_;
  SignalTable* table_;
  std::vector<Declaration> declarations_;
};

}  // namespace pointsman
