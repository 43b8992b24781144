#include "pointsman/fleet/metrics_text.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "pointsman/base/bug.h"
#include "pointsman/base/text.h"
#include "pointsman/base/utf8.h"

namespace pointsman {
namespace {

// Memory above this is given back at the next page, so that one odd page is not remembered for
// ever.
constexpr std::size_t kKeptBytes = 64 * 1024;
constexpr std::size_t kUsualLine = 1024;  // hardly any line is longer

constexpr bool blank(char c) {
  return c == ' ' || c == '\t';
}

void skip_blanks(std::string_view& text) {
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
}

std::string_view take_token(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && !blank(text[n])) ++n;
  const std::string_view token = text.substr(0, n);
  text.remove_prefix(n);
  skip_blanks(text);
  return token;
}

bool label_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool label_char(char c) {
  return label_start(c) || (c >= '0' && c <= '9');
}

// Numbers as Go's ParseFloat reads them, without its hexadecimal form.
std::optional<double> number(std::string_view token) {
  if (token.starts_with('+')) {
    token.remove_prefix(1);
    if (token.starts_with('-')) return std::nullopt;
  }
  return number_in<double>(token);
}

// Milliseconds as an integer; OpenMetrics writes seconds, mostly with a fraction.
std::optional<std::int64_t> timestamp(std::string_view token) {
  if (const auto millis = number_in<std::int64_t>(token)) return millis;
  const auto seconds = number(token);
  if (!seconds || !(std::abs(*seconds) < 1e15)) return std::nullopt;
  return static_cast<std::int64_t>(*seconds * 1000);
}

MetricType metric_type(std::string_view word) {
  if (word == "gauge") return MetricType::gauge;
  if (word == "counter") return MetricType::counter;
  if (word == "histogram" || word == "gaugehistogram") return MetricType::histogram;
  if (word == "summary") return MetricType::summary;
  if (word == "untyped" || word == "unknown") return MetricType::untyped;
  return MetricType::other;
}

bool valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t n = utf8_length(text);
    if (n == 0) return false;
    text.remove_prefix(n);
  }
  return true;
}

}  // namespace

WantedMetrics::WantedMetrics(std::vector<std::string> names) {
  for (std::string& name : names) {
    if (std::ranges::find(names_, name) == names_.end()) names_.push_back(std::move(name));
  }
  if (names_.empty()) return;
  common_ = names_.front();
  for (const std::string& name : names_) {
    const auto differ = std::ranges::mismatch(common_, name).in1;
    common_.erase(differ, common_.end());
  }
  for (const std::string& name : names_) {
    if (name.size() > common_.size()) {
      next_.set(static_cast<unsigned char>(name[common_.size()]));
    } else {
      for (const char c : {'{', ' ', '\t', '\r'}) next_.set(static_cast<unsigned char>(c));
    }
  }
}

std::size_t WantedMetrics::index(std::string_view name) const {
  const auto at = std::ranges::find(names_, name);
  if (at == names_.end()) bug("a metric that was not asked for");
  return static_cast<std::size_t>(at - names_.begin());
}

std::optional<std::size_t> WantedMetrics::match(std::string_view line) const {
  if (!could_match(line)) return std::nullopt;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    const std::string& name = names_[i];
    if (!line.starts_with(name)) continue;
    if (line.size() == name.size()) return i;
    const char after = line[name.size()];
    if (after == '{' || blank(after)) return i;
  }
  return std::nullopt;
}

bool WantedMetrics::could_match(std::string_view beginning) const {
  if (names_.empty()) return false;
  if (beginning.size() <= common_.size()) return common_.starts_with(beginning);
  return beginning.starts_with(common_) &&
         next_.test(static_cast<unsigned char>(beginning[common_.size()]));
}

const MetricLabel* MetricSample::find(std::string_view name) const {
  const auto at = std::ranges::find(labels, name, &MetricLabel::name);
  return at == labels.end() ? nullptr : &*at;
}

std::string_view MetricSample::label(std::string_view name) const {
  const MetricLabel* const found = find(name);
  return found == nullptr ? std::string_view{} : found->value;
}

MetricsText::MetricsText(const WantedMetrics& wanted)
    : wanted_(&wanted), types_(wanted.names().size()), spoiled_(wanted.names().size()) {
  carry_.reserve(kUsualLine);
}

void MetricsText::begin() {
  piece_ = {};
  carry_.clear();
  if (carry_.capacity() > kKeptBytes) carry_ = {};
  if (unescaped_.capacity() > kKeptBytes) unescaped_ = {};
  carried_line_ = skipping_ = ended_ = over_limit_ = false;
  bytes_ = lines_ = samples_ = malformed_ = 0;
  std::ranges::fill(types_, MetricType::untyped);
  spoiled_.assign(spoiled_.size(), false);
}

void MetricsText::feed(std::string_view piece) {
  bytes_ += piece.size();
  if (bytes_ > kMaxPage) over_limit_ = true;
  piece_ = over_limit_ || ended_ ? std::string_view{} : piece;
}

void MetricsText::finish() {
  piece_ = !carried_line_ && !carry_.empty() ? std::string_view{"\n"} : std::string_view{};
}

const MetricSample* MetricsText::next() {
  while (const auto line = next_line()) {
    const bool is_sample = read(*line);
    if (++lines_ <= kMaxLines && !is_sample) continue;
    if (lines_ <= kMaxLines && ++samples_ <= kMaxSamples) return &sample_;
    over_limit_ = true;
    piece_ = {};
  }
  return nullptr;
}

std::optional<std::string_view> MetricsText::next_line() {
  if (carried_line_) {
    carry_.clear();
    carried_line_ = false;
  }
  while (!piece_.empty()) {
    const std::size_t end = piece_.find('\n');
    const std::string_view part = piece_.substr(0, end);
    const bool whole = end != std::string_view::npos;
    piece_.remove_prefix(whole ? end + 1 : piece_.size());
    if (skipping_) {
      skipping_ = !whole;
    } else if (!whole) {
      keep(part);
    } else if (carry_.empty() && part.size() <= kMaxLine) {
      return part;
    } else if (carry_.size() + part.size() <= kMaxLine) {
      carry_ += part;
      carried_line_ = true;
      return carry_;
    } else {
      lose(carry_.empty() ? part : carry_);
      carry_.clear();
    }
  }
  return std::nullopt;
}

// Keeps the beginning of a line that goes on in the next piece, as long as it can be of interest.
void MetricsText::keep(std::string_view part) {
  if (carry_.empty() && !of_interest(part)) {
    skipping_ = true;
    return;
  }
  if (carry_.size() + part.size() > kMaxLine) {
    lose(carry_.empty() ? part : carry_);
    carry_.clear();
    skipping_ = true;
    return;
  }
  carry_ += part;
  if (!of_interest(carry_)) {
    carry_.clear();
    skipping_ = true;
  }
}

void MetricsText::lose(std::string_view line) {
  skip_blanks(line);
  if (const auto metric = wanted_->match(line)) {
    ++malformed_;
    spoiled_[*metric] = true;
  }
}

bool MetricsText::of_interest(std::string_view beginning) const {
  skip_blanks(beginning);
  if (!beginning.starts_with('#')) return wanted_->could_match(beginning);
  beginning.remove_prefix(1);
  skip_blanks(beginning);
  const std::string_view word = beginning.substr(0, 4);
  // The end may be cut within CR LF.
  return std::string_view("TYPE").starts_with(word) || std::string_view("EOF\r").starts_with(word);
}

// Whether the line is a sample, now in sample_.
bool MetricsText::read(std::string_view line) {
  skip_blanks(line);
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.starts_with('#')) {
    read_comment(line.substr(1));
    return false;
  }
  const auto metric = wanted_->match(line);
  if (!metric) return false;
  sample_.metric = *metric;
  sample_.type = types_[*metric];
  sample_.labels = {};
  sample_.timestamp = 0;
  if (read_sample(line.substr(wanted_->names()[*metric].size()))) return true;
  ++malformed_;
  spoiled_[*metric] = true;
  return false;
}

bool MetricsText::read_sample(std::string_view rest) {
  skip_blanks(rest);
  if (rest.starts_with('{') && !read_labels(rest)) return false;
  const auto value = number(take_token(rest));
  if (!value) return false;
  sample_.value = *value;
  if (rest.empty() || rest.starts_with('#')) return true;
  const auto at = timestamp(take_token(rest));
  if (!at) return false;
  sample_.timestamp = *at;
  return rest.empty() || rest.starts_with('#');  // an OpenMetrics exemplar may follow
}

// Reads "{name="value",...}" and the blanks behind it.
bool MetricsText::read_labels(std::string_view& rest) {
  unescaped_.clear();
  unescaped_.reserve(rest.size());  // views into it stay valid while it grows
  std::size_t count = 0;
  rest.remove_prefix(1);
  skip_blanks(rest);
  while (!rest.starts_with('}')) {
    if (count == kMaxLabels || !read_label(rest, labels_.at(count))) return false;
    ++count;
    skip_blanks(rest);
    if (rest.starts_with(',')) {
      rest.remove_prefix(1);
      skip_blanks(rest);
    } else if (!rest.starts_with('}')) {
      return false;
    }
  }
  rest.remove_prefix(1);
  skip_blanks(rest);
  sample_.labels = std::span(labels_).first(count);
  return true;
}

bool MetricsText::read_label(std::string_view& rest, MetricLabel& label) {
  std::size_t n = 0;
  while (n < rest.size() && label_char(rest[n])) ++n;
  if (n == 0 || !label_start(rest[0])) return false;
  label.name = rest.substr(0, n);
  rest.remove_prefix(n);
  skip_blanks(rest);
  if (!rest.starts_with('=')) return false;
  rest.remove_prefix(1);
  skip_blanks(rest);
  if (!rest.starts_with('"')) return false;
  rest.remove_prefix(1);

  const std::size_t stop = rest.find_first_of("\"\\");
  if (stop == std::string_view::npos) return false;
  if (rest[stop] == '"') {
    label.value = rest.substr(0, stop);
    rest.remove_prefix(stop + 1);
    return valid_utf8(label.value);
  }
  const std::size_t begin = unescaped_.size();
  for (; !rest.empty() && rest.front() != '"'; rest.remove_prefix(1)) {
    char c = rest.front();
    if (c == '\\') {
      rest.remove_prefix(1);
      if (rest.empty()) return false;
      c = rest.front();
      if (c == 'n') {
        c = '\n';
      } else if (c != '\\' && c != '"') {
        return false;
      }
    }
    unescaped_ += c;
  }
  if (rest.empty()) return false;
  rest.remove_prefix(1);
  label.value = std::string_view(unescaped_).substr(begin);
  return valid_utf8(label.value);
}

// What follows the '#'.
void MetricsText::read_comment(std::string_view rest) {
  skip_blanks(rest);
  if (rest == "EOF") {
    ended_ = true;
    piece_ = {};
    return;
  }
  if (!rest.starts_with("TYPE") || rest.size() == 4 || !blank(rest[4])) return;
  rest.remove_prefix(4);
  skip_blanks(rest);
  const auto metric = wanted_->match(rest);
  if (!metric) return;
  rest.remove_prefix(wanted_->names()[*metric].size());
  skip_blanks(rest);
  types_[*metric] = metric_type(take_token(rest));
}

}  // namespace pointsman
