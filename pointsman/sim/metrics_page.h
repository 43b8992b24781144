#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace pointsman {

// A page of metrics in Prometheus' text form whose layout is fixed once and whose numbers change:
// text() copies the fixed text and formats the numbers, nothing else. Values are doubles, as the
// Python client library of the engines has them. Labels are written as `name="value",...`.
class MetricsPage {
 public:
  using Value = double;

  // A cumulative histogram with bounds in increasing order.
  class Histogram {
   public:
    void observe(double value);

   private:
    friend class MetricsPage;
    std::vector<double> bounds_;
    std::vector<Value*> buckets_;  // one more than bounds: +Inf
    Value* count_ = nullptr;
    Value* sum_ = nullptr;
  };

  // Layout, in the order of the page. The references stay valid as long as the page.
  void family(std::string_view name, std::string_view type, std::string_view help);
  Value& sample(std::string_view name, std::string_view labels, double value = 0);
  Value& gauge(std::string_view name, std::string_view labels, std::string_view help);
  // `name` without `_total`; with the `_created` sample that the library adds.
  Value& counter(std::string_view name, std::string_view labels, std::string_view help);
  void created(std::string_view name, std::string_view labels, std::string_view help);
  Histogram histogram(std::string_view name, std::string_view labels, std::string_view help,
                      std::vector<double> bounds);
  Histogram histogram_series(std::string_view name, std::string_view labels,
                             std::vector<double> bounds);
  // A line whose text changes; empty until assigned, to be ended by a line feed.
  std::string& line();

  // The page as it is now. Valid until the next call.
  std::string_view text();

 private:
  // Fixed text, then the number behind it, if any.
  struct Piece {
    std::string text;
    const Value* value = nullptr;
  };

  Piece& open_piece();

  std::deque<Piece> pieces_;
  std::deque<Value> values_;
  std::string page_;
};

}  // namespace pointsman
