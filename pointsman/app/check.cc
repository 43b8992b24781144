#include "pointsman/app/check.h"

#include <cstdio>
#include <string>

#include "pointsman/app/builtin.h"
#include "pointsman/config/config_loader.h"
#include "pointsman/config/config_text.h"

namespace pointsman {
namespace {

void print(std::FILE* to, const std::string& line) {
  std::fwrite(line.data(), 1, line.size(), to);
  std::fputc('\n', to);
}

int refuse(const Diagnostics& problems) {
  for (const Diagnostic& problem : problems) print(stderr, "error: " + to_string(problem));
  print(stderr, std::to_string(problems.size()) +
                    (problems.size() == 1 ? " problem" : " problems") +
                    "; nothing else was checked");
  return 1;
}

}  // namespace

int check(const CheckFlags& flags) {
  auto loaded = flags.config_file.empty() ? load_config(flags.config_text)
                                          : load_config_file(flags.config_file);
  if (!loaded) return refuse(loaded.error());
  Metrics metrics;
  const auto assembly = assemble(*std::move(loaded), builtin_plugins(), metrics,
                                 builtin_options(flags.allow_experimental_plugins));
  if (!assembly) return refuse(assembly.error());
  for (const Diagnostic& warning : assembly->warnings) {
    print(stderr, "warning: " + to_string(warning));
  }
  print(stdout, "# the effective configuration, defaults included");
  print(stdout, to_yaml(to_node(assembly->config)));
  return 0;
}

}  // namespace pointsman
