#pragma once

namespace pointsman {

class Metrics;

// Adds the process_* families: CPU time, memory, file descriptors and start time of this process,
// read from /proc at every scrape.
void add_process_metrics(Metrics& metrics);

}  // namespace pointsman
