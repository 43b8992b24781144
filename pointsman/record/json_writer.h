#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "pointsman/telemetry/json_text.h"

namespace pointsman {

// Writes one JSON text from left to right. Commas are set by themselves.
class JsonWriter {
 public:
  JsonWriter& open(char bracket) {  // '{' or '['
    comma();
    out_ += bracket;
    fresh_ = true;
    return *this;
  }
  JsonWriter& close(char bracket) {
    out_ += bracket;
    fresh_ = false;
    return *this;
  }
  JsonWriter& key(std::string_view name) {
    comma();
    append_json(out_, name);
    out_ += ':';
    fresh_ = true;
    return *this;
  }
  JsonWriter& value(std::string_view text) {
    comma();
    append_json(out_, text);
    return *this;
  }
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
  JsonWriter& value(double number) {  // NaN: null
    comma();
    if (std::isnan(number)) {
      out_ += "null";
    } else {
      append_json(out_, number);
    }
    return *this;
  }
  JsonWriter& value(std::int64_t number) {
    comma();
    out_ += std::to_string(number);
    return *this;
  }
  JsonWriter& value(std::size_t number) { return value(static_cast<std::int64_t>(number)); }
  JsonWriter& value(int number) { return value(static_cast<std::int64_t>(number)); }
  JsonWriter& value(bool truth) {
    comma();
    out_ += truth ? "true" : "false";
    return *this;
  }
  // A text that is JSON already.
  JsonWriter& raw(std::string_view json) {
    comma();
    out_ += json;
    return *this;
  }
  template <typename T>
  JsonWriter& field(std::string_view name, const T& what) {
    key(name);
    return value(what);
  }

  std::string take() { return std::move(out_); }

 private:
  void comma() {
    if (!fresh_) out_ += ',';
    fresh_ = false;
  }

  std::string out_;
  bool fresh_ = true;
};

}  // namespace pointsman
