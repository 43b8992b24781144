#include "pointsman/fleet/models_text.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "pointsman/base/text.h"

namespace pointsman {
namespace {

constexpr int kDeepest = 32;
constexpr std::size_t kMostModels = 4096;
constexpr std::size_t kLongestName = 512;
constexpr std::size_t kLongestCard = 8192;

void append_utf8(std::string& out, std::uint32_t point) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0U | (point >> 6U));
    put(0x80U | (point & 0x3FU));
  } else if (point < 0x10000) {
    put(0xE0U | (point >> 12U));
    put(0x80U | ((point >> 6U) & 0x3FU));
    put(0x80U | (point & 0x3FU));
  } else {
    put(0xF0U | (point >> 18U));
    put(0x80U | ((point >> 12U) & 0x3FU));
    put(0x80U | ((point >> 6U) & 0x3FU));
    put(0x80U | (point & 0x3FU));
  }
}

// A walk over a JSON text that is only looked at where it matters. Each function returns false
// where the text is not JSON.
class Walk {
 public:
  explicit Walk(std::string_view text) : text_(text) {}

  // Calls `each` with the key of every member, standing before its value; `each` reads or skips it.
  template <typename Each>
  bool object(const Each& each) {
    if (!take('{')) return false;
    if (take('}')) return true;
    do {
      std::string key;
      if (!string(key) || !take(':') || !each(key)) return false;
    } while (take(','));
    return take('}');
  }

  template <typename Each>
  bool array(const Each& each) {
    if (!take('[')) return false;
    if (take(']')) return true;
    do {
      if (!each()) return false;
    } while (take(','));
    return take(']');
  }

  bool string(std::string& out) {
    if (!take('"')) return false;
    out.clear();
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') {
        out += c;
      } else if (!escape(out)) {
        return false;
      }
    }
    return false;
  }

  bool skip(int depth = 0) {
    if (depth > kDeepest) return false;
    switch (peek()) {
      case '{':
        return object([&](const std::string&) { return skip(depth + 1); });
      case '[':
        return array([&] { return skip(depth + 1); });
      case '"': {
        std::string text;
        return string(text);
      }
      default:
        return word();
    }
  }

  char peek() {
    blanks();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool end() { return peek() == '\0' && at_ == text_.size(); }
  std::size_t place() {
    blanks();
    return at_;
  }
  std::string_view from(std::size_t place) const { return text_.substr(place, at_ - place); }

 private:
  void blanks() {
    while (at_ < text_.size() && kLineBlank.contains(text_[at_])) ++at_;
  }
  bool take(char c) {
    blanks();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  // A number, true, false or null; numbers are not looked at closely.
  bool word() {
    blanks();
    constexpr std::string_view kNumber = "+-.0123456789eE";
    const std::string_view rest = text_.substr(at_);
    for (const std::string_view literal : {"true", "false", "null"}) {
      if (!rest.starts_with(literal)) continue;
      at_ += literal.size();
      return true;
    }
    const std::size_t size = std::min(rest.find_first_not_of(kNumber), rest.size());
    at_ += size;
    return size > 0;
  }
  bool escape(std::string& out) {
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (at_ == text_.size()) return false;
    const char c = text_[at_++];
    if (c == 'u') return unicode(out);
    const std::size_t which = kLetters.find(c);
    if (which == std::string_view::npos) return false;
    out += kMeanings[which];
    return true;
  }
  bool unicode(std::string& out) {
    auto point = four_digits();
    if (point && *point >= 0xD800 && *point < 0xDC00 && text_.substr(at_).starts_with("\\u")) {
      at_ += 2;
      const auto low = four_digits();
      if (!low || *low < 0xDC00 || *low > 0xDFFF) return false;
      point = 0x10000 + ((*point - 0xD800) << 10U) + (*low - 0xDC00);
    }
    if (!point || (*point >= 0xD800 && *point <= 0xDFFF)) return false;
    append_utf8(out, *point);
    return true;
  }
  std::optional<std::uint32_t> four_digits() {
    if (text_.size() - at_ < 4) return std::nullopt;
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) {
      const auto digit = hex_value(text_[at_++]);
      if (!digit) return std::nullopt;
      value = value * 16 + *digit;
    }
    return value;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::vector<ServedModel>> read_models(std::string_view json) {
  Walk walk(json);
  std::vector<ServedModel> models;
  bool listed = false;
  const auto entry = [&] {
    ServedModel model;
    const std::size_t began = walk.place();
    if (walk.peek() != '{') return walk.skip();
    const bool good = walk.object([&](const std::string& key) {
      return key == "id" && walk.peek() == '"' ? walk.string(model.name) : walk.skip(1);
    });
    if (!good || models.size() == kMostModels) return false;
    const std::string_view card = walk.from(began);
    if (card.size() <= kLongestCard) model.card = card;
    if (!model.name.empty() && model.name.size() <= kLongestName)
      models.push_back(std::move(model));
    return true;
  };
  const bool good = walk.object([&](const std::string& key) {
    if (key != "data" || walk.peek() != '[') return walk.skip(1);
    listed = true;
    return walk.array(entry);
  });
  if (!good || !walk.end() || !listed) {
    return fail(Code::bad_gateway, "the list of models is not what /v1/models answers");
  }
  return models;
}

}  // namespace pointsman
