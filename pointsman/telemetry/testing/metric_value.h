#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace pointsman {

// For tests: the value of one line of an exposition, by its series exactly as printed, such as
// `llm_d_epp_request_total{fairness_id="a",...}` or `..._bucket{le="0.1"}`.
inline std::optional<double> metric_value(std::string_view exposition, std::string_view series) {
  const std::string start = "\n" + std::string(series) + " ";
  const std::size_t at = exposition.find(start);  // the first line is always a comment
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = exposition.substr(at + start.size());
  double value = 0;
  std::from_chars(rest.data(), rest.data() + rest.find('\n'), value);
  return value;
}

// The sum over all series of a family, 0 when there is none.
inline double metric_sum(std::string_view exposition, std::string_view family) {
  double sum = 0;
  const std::string start = "\n" + std::string(family);
  for (std::size_t at = 0; (at = exposition.find(start, at)) != std::string_view::npos;) {
    at += start.size();
    const std::string_view line = exposition.substr(at, exposition.find('\n', at) - at);
    if (!line.starts_with('{') && !line.starts_with(' ')) continue;
    double value = 0;
    std::from_chars(line.data() + line.rfind(' ') + 1, line.data() + line.size(), value);
    sum += value;
  }
  return sum;
}

}  // namespace pointsman
