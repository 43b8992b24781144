#pragma once

namespace pointsman {

class Log;
class Metrics;

// Adds the process_* families: CPU time, memory, file descriptors and start time of this process,
// read from /proc at every scrape.
void add_process_metrics(Metrics& metrics);

// Adds what `log` did not write. It must outlive the last scrape.
void add_log_metrics(Metrics& metrics, const Log& log);

}  // namespace pointsman
