#include "pointsman/sim/metrics_page.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace pointsman {
namespace {

constexpr double kCreated = 1.76e9;  // Unix seconds: some start time, for the page to look real

// Shortest decimal form, with a fraction or exponent as Python prints floats.
void append_number(std::string& out, double value) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), value).ptr;
  const std::string_view text(digits.data(), static_cast<std::size_t>(end - digits.data()));
  out += text;
  if (text.find_first_not_of("-0123456789") == std::string_view::npos) out += ".0";
}

std::string number(double value) {
  std::string out;
  append_number(out, value);
  return out;
}

// `labels` with `le` in its place in the alphabet, where the library puts it.
std::string with_bound(std::string_view labels, const std::string& bound) {
  const std::string le = "le=\"" + bound + "\"";
  std::size_t at = 0;
  while (at < labels.size() && labels.substr(at, 3) < "le=") {
    const std::size_t comma = labels.find("\",", at);
    at = comma == std::string_view::npos ? labels.size() : comma + 2;
  }
  if (at >= labels.size()) return std::string(labels) + (labels.empty() ? "" : ",") + le;
  return std::string(labels.substr(0, at)) + le + "," + std::string(labels.substr(at));
}

}  // namespace

void MetricsPage::Histogram::observe(double value) {
  const auto first =
      static_cast<std::size_t>(std::ranges::lower_bound(bounds_, value) - bounds_.begin());
  for (std::size_t i = first; i < buckets_.size(); ++i) ++*buckets_[i];
  ++*count_;
  *sum_ += value;
}

MetricsPage::Piece& MetricsPage::open_piece() {
  if (pieces_.empty() || pieces_.back().value != nullptr) pieces_.emplace_back();
  return pieces_.back();
}

void MetricsPage::family(std::string_view name, std::string_view type, std::string_view help) {
  open_piece()
      .text.append("# HELP ")
      .append(name)
      .append(" ")
      .append(help)
      .append("\n# TYPE ")
      .append(name)
      .append(" ")
      .append(type)
      .append("\n");
}

MetricsPage::Value& MetricsPage::sample(std::string_view name, std::string_view labels,
                                        double value) {
  Piece& piece = open_piece();
  piece.text.append(name);
  if (!labels.empty()) piece.text.append("{").append(labels).append("}");
  piece.text.append(" ");
  piece.value = &values_.emplace_back(value);
  pieces_.push_back({.text = "\n", .value = nullptr});
  return values_.back();
}

MetricsPage::Value& MetricsPage::gauge(std::string_view name, std::string_view labels,
                                       std::string_view help) {
  family(name, "gauge", help);
  return sample(name, labels);
}

MetricsPage::Value& MetricsPage::counter(std::string_view name, std::string_view labels,
                                         std::string_view help) {
  family(std::string(name) + "_total", "counter", help);
  Value& value = sample(std::string(name) + "_total", labels);
  created(name, labels, help);
  return value;
}

void MetricsPage::created(std::string_view name, std::string_view labels, std::string_view help) {
  const std::string full = std::string(name) + "_created";
  family(full, "gauge", help);
  sample(full, labels, kCreated);
}

MetricsPage::Histogram MetricsPage::histogram(std::string_view name, std::string_view labels,
                                              std::string_view help, std::vector<double> bounds) {
  family(name, "histogram", help);
  Histogram out = histogram_series(name, labels, std::move(bounds));
  created(name, labels, help);
  return out;
}

MetricsPage::Histogram MetricsPage::histogram_series(std::string_view name, std::string_view labels,
                                                     std::vector<double> bounds) {
  const std::string full(name);
  Histogram out;
  for (const double bound : bounds) {
    out.buckets_.push_back(&sample(full + "_bucket", with_bound(labels, number(bound))));
  }
  out.buckets_.push_back(&sample(full + "_bucket", with_bound(labels, "+Inf")));
  out.count_ = &sample(full + "_count", labels);
  out.sum_ = &sample(full + "_sum", labels);
  out.bounds_ = std::move(bounds);
  return out;
}

std::string& MetricsPage::line() {
  std::string& text = pieces_.emplace_back().text;
  pieces_.emplace_back();
  return text;
}

std::string_view MetricsPage::text() {
  page_.clear();
  for (const Piece& piece : pieces_) {
    page_ += piece.text;
    if (piece.value != nullptr) append_number(page_, *piece.value);
  }
  return page_;
}

}  // namespace pointsman
