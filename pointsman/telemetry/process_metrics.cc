#include "pointsman/telemetry/process_metrics.h"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <string>
#include <sys/resource.h>
#include <system_error>
#include <unistd.h>
#include <vector>

#include "pointsman/telemetry/families.h"
#include "pointsman/telemetry/log.h"
#include "pointsman/telemetry/metrics.h"

namespace pointsman {
namespace {

// The fields of /proc/self/stat from the third on (proc(5)): the second, the program's name in
// parentheses, may itself hold spaces.
std::vector<double> stat_fields() {
  std::ifstream file("/proc/self/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::istringstream rest(text.substr(text.rfind(')') + 1));
  std::string state;
  rest >> state;
  std::vector<double> fields{0};
  for (double field = 0; rest >> field;) fields.push_back(field);
  return fields;
}

double boot_time() {
  std::ifstream file("/proc/stat");
  std::string word;
  while (file >> word) {
    double seconds = 0;
    if (word == "btime" && file >> seconds) return seconds;
  }
  return 0;
}

double limit_of(decltype(RLIMIT_NOFILE) resource) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0) return 0;
  return limit.rlim_cur == RLIM_INFINITY ? std::numeric_limits<double>::infinity()
                                         : static_cast<double>(limit.rlim_cur);
}

double open_files() {
  std::error_code error;
  const std::filesystem::directory_iterator files("/proc/self/fd", error);
  if (error) return 0;
  return static_cast<double>(std::distance(begin(files), end(files))) -
         1;  // less the listing's own
}

}  // namespace

void add_process_metrics(Metrics& metrics) {
  const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  const double page = static_cast<double>(sysconf(_SC_PAGESIZE));
  metrics.add_source([ticks, page, booted = boot_time()](std::vector<Sample>& out) {
    const std::vector<double> stat = stat_fields();
    const auto field = [&stat](std::size_t number) {
      return number - 3 < stat.size() ? stat[number - 3] : 0;
    };
    const auto add = [&out](const FamilySpec& family, double value) {
      out.push_back({.family = &family, .labels = {}, .value = value, .buckets = {}});
    };
    add(metric::kProcessCpu, (field(14) + field(15)) / ticks);
    add(metric::kProcessStart, booted + field(22) / ticks);
    add(metric::kProcessVirtual, field(23));
    add(metric::kProcessResident, field(24) * page);
    add(metric::kProcessVirtualMax, limit_of(RLIMIT_AS));
    add(metric::kProcessMaxFds, limit_of(RLIMIT_NOFILE));
    add(metric::kProcessOpenFds, open_files());
  });
}

void add_log_metrics(Metrics& metrics, const Log& log) {
  metrics.add_source([&log](std::vector<Sample>& out) {
    add_count(out, metric::kLogLinesDropped, {"sampled"}, log.sampled());
    add_count(out, metric::kLogLinesDropped, {"blocked"}, log.blocked());
  });
}

}  // namespace pointsman
