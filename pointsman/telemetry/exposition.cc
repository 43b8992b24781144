#include "pointsman/telemetry/exposition.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

namespace pointsman {
namespace {

struct Column {
  std::string_view name;
  std::size_t source = 0;  // where its value stands in Sample::labels
};

// One name under which the samples of a family are printed.
struct View {
  const FamilySpec* family = nullptr;
  std::string_view name;
  std::string help;
  std::vector<Column> labels;  // sorted by name
  std::span<const double> bounds;
};

// A series of a view: samples that differ only in labels that the view lacks are added up.
struct Row {
  std::array<std::string_view, kMaxLabels> labels{};  // in the view's order
  double value = 0;
  std::vector<std::uint64_t> buckets;
};

std::vector<View> views_of(const FamilySpec& family, bool deprecated) {
  std::vector<Column> labels;
  for (std::size_t i = 0; i < family.label_count; ++i) labels.push_back({family.labels[i], i});
  std::ranges::sort(labels, {}, &Column::name);
  // Families of the reference carry their stability level in the text.
  const std::string help(family.help);
  const std::string stage = family.name.starts_with("llm_d_epp_") ? "[ALPHA] " : "";

  std::vector<View> made{{&family, family.name, stage + help, labels, family.shown_bounds}};
  if (!family.fine_name.empty()) {
    made.push_back({&family, family.fine_name, help + " Finer buckets.", labels, family.bounds});
  }
  if (deprecated && !family.twin.name.empty()) {
    const TwinSpec& twin = family.twin;
    labels.clear();
    for (std::size_t i = 0; i < twin.label_count; ++i) {
      labels.push_back({twin.labels[i], twin.source[i]});
    }
    std::ranges::sort(labels, {}, &Column::name);
    const std::string tag =
        twin.told ? "[Deprecated: Use " + std::string(family.name) + "] " : std::string();
    made.push_back({&family, twin.name, stage + tag + help, labels, family.shown_bounds});
  }
  return made;
}

std::vector<View> sorted_views(std::span<const FamilySpec* const> families, bool deprecated) {
  std::vector<View> views;
  for (const FamilySpec* family : families) {
    for (View& one : views_of(*family, deprecated)) views.push_back(std::move(one));
  }
  std::ranges::sort(views, {}, &View::name);
  return views;
}

std::vector<Row> rows_of(const View& view, std::span<const Sample* const> samples) {
  std::vector<Row> rows;
  for (const Sample* sample : samples) {
    Row& row = rows.emplace_back();
    for (std::size_t i = 0; i < view.labels.size(); ++i) {
      row.labels[i] = sample->labels[view.labels[i].source];
    }
    row.value = sample->value;
    row.buckets = sample->buckets;
  }
  std::ranges::sort(rows, {}, &Row::labels);
  std::vector<Row> merged;
  for (Row& row : rows) {
    if (merged.empty() || merged.back().labels != row.labels) {
      merged.push_back(std::move(row));
      continue;
    }
    merged.back().value += row.value;
    std::ranges::transform(row.buckets, merged.back().buckets, merged.back().buckets.begin(),
                           std::plus<>());
  }
  return merged;
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '"':
        out += quotes ? "\\\"" : "\"";
        break;
      default:
        out += c;
    }
  }
}

// The labels of a row, without braces.
std::string labels_of(const View& view, const Row& row) {
  std::string text;
  for (std::size_t i = 0; i < view.labels.size(); ++i) {
    if (i > 0) text += ',';
    text.append(view.labels[i].name).append("=\"");
    append_escaped(text, row.labels[i], true);
    text += '"';
  }
  return text;
}

// One line: name and suffix, labels and at most one more, value.
void append_line(std::string& out, std::string_view name, std::string_view suffix,
                 std::string_view labels, std::string_view bound, double value) {
  out.append(name).append(suffix);
  if (!labels.empty() || !bound.empty()) {
    out.append("{").append(labels);
    if (!labels.empty() && !bound.empty()) out += ',';
    out.append(bound).append("}");
  }
  out += ' ';
  append_number(out, value);
  out += '\n';
}

// The `le` labels of a view, once for all of its rows.
std::vector<std::string> bound_labels(const View& view) {
  std::vector<std::string> texts;
  for (const double bound : view.bounds) {
    append_number(texts.emplace_back("le=\""), bound);
    texts.back() += '"';
  }
  return texts;
}

void append_histogram(std::string& out, const View& view, const Row& row,
                      std::span<const std::string> bounds) {
  const std::string labels = labels_of(view, row);
  const std::span<const double> fine = view.family->bounds;
  std::uint64_t below = 0;
  std::size_t next = 0;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    for (; next < fine.size() && fine[next] <= view.bounds[i]; ++next) below += row.buckets[next];
    append_line(out, view.name, "_bucket", labels, bounds[i], static_cast<double>(below));
  }
  for (; next < row.buckets.size(); ++next) below += row.buckets[next];
  const auto count = static_cast<double>(below);
  append_line(out, view.name, "_bucket", labels, "le=\"+Inf\"", count);
  append_line(out, view.name, "_sum", labels, "", row.value);
  append_line(out, view.name, "_count", labels, "", count);
}

std::string_view type_name(MetricKind kind) {
  switch (kind) {
    case MetricKind::counter:
      return "counter";
    case MetricKind::gauge:
      return "gauge";
    case MetricKind::histogram:
      break;
  }
  return "histogram";
}

}  // namespace

void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    // The form of Go's 'g': exponents from 1e+06 on and below 1e-04.
    const double size = std::fabs(value);
    const bool plain = size == 0 || (size >= 1e-4 && size < 1e6);
    std::array<char, 32> text{};
    const auto end =
        std::to_chars(text.data(), text.data() + text.size(), value,
                      plain ? std::chars_format::fixed : std::chars_format::scientific);
    out.append(text.data(), end.ptr);
  }
}

std::string exposition(std::span<const FamilySpec* const> families, std::span<const Sample> samples,
                       bool deprecated) {
  std::string out;
  std::vector<const Sample*> by_family;
  by_family.reserve(samples.size());
  for (const Sample& sample : samples) by_family.push_back(&sample);
  const auto family_of = [](const Sample* sample) { return sample->family; };
  std::ranges::sort(by_family, {}, family_of);

  for (const View& view : sorted_views(families, deprecated)) {
    const auto range = std::ranges::equal_range(by_family, view.family, {}, family_of);
    const std::vector<Row> rows = rows_of(view, {range.begin(), range.end()});
    if (rows.empty()) continue;
    out.append("# HELP ").append(view.name).append(" ");
    append_escaped(out, view.help, false);
    out.append("\n# TYPE ").append(view.name).append(" ");
    out.append(type_name(view.family->kind)).append("\n");
    const std::vector<std::string> bounds = bound_labels(view);
    for (const Row& row : rows) {
      if (view.family->kind == MetricKind::histogram) {
        append_histogram(out, view, row, bounds);
      } else {
        append_line(out, view.name, "", labels_of(view, row), "", row.value);
      }
    }
  }
  return out;
}

std::string catalogue(std::span<const FamilySpec* const> families) {
  std::string out;
  for (const View& view : sorted_views(families, true)) {
    out.append(view.name).append(" ").append(type_name(view.family->kind)).append(" {");
    for (std::size_t i = 0; i < view.labels.size(); ++i) {
      out.append(i > 0 ? "," : "").append(view.labels[i].name);
    }
    out += '}';
    for (const double bound : view.bounds) {
      out += ' ';
      append_number(out, bound);
    }
    out += '\n';
  }
  return out;
}

}  // namespace pointsman
