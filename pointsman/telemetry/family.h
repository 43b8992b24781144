#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace pointsman {

// What one metric family is, said once: families.h is the table of them, Metrics holds their
// values, and everything that is printed is derived from these.

inline constexpr std::size_t kMaxLabels = 6;

// One series of a family in every shard of one Metrics. Cheap to copy and to keep.
struct Counter {
  std::uint32_t cell = 0;
};
struct Gauge {
  std::uint32_t cell = 0;
};
struct Histogram {
  std::uint32_t cell = 0;
  std::uint32_t bound_count = 0;
  const double* bounds = nullptr;
};

enum class MetricKind : std::uint8_t { counter, gauge, histogram };

// Label names in declared order, which is also the order of the values.
template <std::size_t N>
struct Labels {
  std::array<std::string_view, N> names;
};
template <typename... Name>
consteval Labels<sizeof...(Name)> labels(Name... names) {
  return {{std::string_view(names)...}};
}
consteval Labels<0> labels() {
  return {};
}

// A second name under which the same cells are printed: the deprecated one of an earlier release,
// with fewer or renamed labels. Series that differ only in a label it lacks are added up.
struct TwinSpec {
  std::string_view name;
  std::array<std::string_view, kMaxLabels> labels{};
  std::array<std::uint8_t, kMaxLabels> source{};  // position in FamilySpec::labels
  std::size_t label_count = 0;
  bool told = true;  // its help says that it is deprecated
};

struct FamilySpec {
  std::string_view name;
  MetricKind kind = MetricKind::counter;
  std::string_view help;
  std::array<std::string_view, kMaxLabels> labels{};
  std::size_t label_count = 0;
  std::span<const double> bounds;        // of a histogram's cells
  std::span<const double> shown_bounds;  // those printed under `name`: all, or some of `bounds`
  TwinSpec twin;                         // no name: none
  std::string_view fine_name;  // where not empty, a histogram is printed with all bounds there
  bool from_start = false;     // an unlabelled counter or gauge that shows 0 before it is touched
};

// A family whose series are of type Handle and have N labels.
template <typename Handle, std::size_t N>
struct Family : FamilySpec {
  // The deprecated name, with the same labels or with those given.
  consteval Family deprecated(std::string_view twin_name) const {
    return deprecated(twin_name, labels);
  }
  template <std::size_t M>
  consteval Family deprecated(std::string_view twin_name, const Labels<M>& kept) const {
    return deprecated(twin_name, kept.names);
  }

  // Prints the label `from` as `to` under the deprecated name.
  consteval Family renamed(std::string_view from, std::string_view to) const {
    Family copy = *this;
    *std::ranges::find(copy.twin.labels, from) = to;
    return copy;
  }

  // The deprecated name is not called so: the reference shows both alike.
  consteval Family silently() const {
    Family copy = *this;
    copy.twin.told = false;
    return copy;
  }

  consteval Family from_the_start() const {
    Family copy = *this;
    copy.from_start = true;
    return copy;
  }

  // Under its own name only `coarse` is printed, under `fine` everything.
  consteval Family also(std::string_view fine, std::span<const double> coarse) const {
    Family copy = *this;
    copy.fine_name = fine;
    copy.shown_bounds = coarse;
    return copy;
  }

 private:
  template <std::size_t M>
  consteval Family deprecated(std::string_view twin_name,
                              const std::array<std::string_view, M>& kept) const {
    Family copy = *this;
    copy.twin.name = twin_name;
    for (const std::string_view label : kept) {
      if (label.empty()) break;
      const auto* const at = std::ranges::find(labels, label);  // a stranger does not compile
      copy.twin.source[copy.twin.label_count] = static_cast<std::uint8_t>(at - labels.begin());
      copy.twin.labels[copy.twin.label_count++] =
          labels.at(static_cast<std::size_t>(at - labels.begin()));
    }
    return copy;
  }
};

template <typename Handle, std::size_t N>
consteval Family<Handle, N> family(MetricKind kind, std::string_view name, std::string_view help,
                                   const Labels<N>& names) {
  Family<Handle, N> made{{.name = name, .kind = kind, .help = help, .label_count = N}};
  std::ranges::copy(names.names, made.labels.begin());
  return made;
}

template <std::size_t N>
consteval Family<Counter, N> counter(std::string_view name, std::string_view help,
                                     const Labels<N>& names) {
  return family<Counter>(MetricKind::counter, name, help, names);
}

template <std::size_t N>
consteval Family<Gauge, N> gauge(std::string_view name, std::string_view help,
                                 const Labels<N>& names) {
  return family<Gauge>(MetricKind::gauge, name, help, names);
}

template <std::size_t N>
consteval Family<Histogram, N> histogram(std::string_view name, std::string_view help,
                                         const Labels<N>& names, std::span<const double> bounds) {
  auto made = family<Histogram>(MetricKind::histogram, name, help, names);
  made.bounds = made.shown_bounds = bounds;
  return made;
}

}  // namespace pointsman
