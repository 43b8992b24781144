#include "pointsman/app/check.h"

#include <cstdio>
#include <string>

#include "pointsman/app/builtin.h"
#include "pointsman/app/config_fix.h"
#include "pointsman/app/plugin_docs.h"
#include "pointsman/config/config_loader.h"
#include "pointsman/config/config_text.h"
#include "pointsman/config/resources.h"
#include "pointsman/fleet/text_file.h"

namespace pointsman {
namespace {

void print(std::FILE* to, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), to);
}

int refuse(const Diagnostics& problems) {
  for (const Diagnostic& problem : problems) {
    print(stderr, "error: " + to_string(problem) + "\n");
  }
  print(stderr,
        std::to_string(problems.size()) + (problems.size() == 1 ? " problem\n" : " problems\n"));
  return 1;
}

// What is wrong with the resources; prints their warnings.
Diagnostics check_resources(const std::string& file) {
  const auto text = read_text_file(file, Resources::kMaxBytes);
  if (!text) return {{.text = text.error().message}};
  const auto resources = read_resources(*text);
  if (!resources) return resources.error();
  for (const Diagnostic& warning : resources->warnings) {
    print(stderr, "warning: " + file + ": " + to_string(warning) + "\n");
  }
  return {};
}

Result<std::string> text_of(const CheckFlags& flags) {
  if (flags.config_file.empty()) return flags.config_text;
  return read_config_file(flags.config_file);
}

// What `check --fix` shows before it writes anything.
int fix(const CheckFlags& flags, const std::string& text) {
  const ConfigFix fix = fix_configuration(text, flags.allow_experimental_plugins);
  for (const Diagnostic& change : fix.changes) {
    print(stderr, "changed: " + to_string(change) + "\n");
  }
  if (!fix.problems.empty()) {
    print(stdout, fix.difference);
    print(stderr, "nothing is written, as the result would not load:\n");
    return refuse(fix.problems);
  }
  const std::string target = flags.in_place         ? flags.config_file
                             : flags.output.empty() ? fixed_name(flags.config_file)
                                                    : flags.output;
  if (target == "-") {
    print(stdout, fix.text);
    return 0;
  }
  if (fix.text == text) {
    print(stderr, "nothing to fix\n");
    return 0;
  }
  print(stdout, fix.difference);
  const bool overwrite = flags.in_place || !flags.output.empty();
  if (const auto written = write_file(target, fix.text, overwrite); !written) {
    print(stderr, "error: " + written.error().message + "\n");
    return 1;
  }
  print(stderr, "wrote " + target + "\n");
  return 0;
}

}  // namespace

int check(const CheckFlags& flags) {
  if (flags.schema) {
    print(stdout, plugin_schema_text());
    return 0;
  }
  if (flags.reference) {
    print(stdout, plugin_reference_text());
    return 0;
  }
  const auto text = text_of(flags);
  if (!text) return refuse({{.text = text.error().message}});
  if (flags.fix) return fix(flags, *text);
  if (!flags.resources_file.empty()) {
    if (const auto wrong = check_resources(flags.resources_file); !wrong.empty()) {
      print(stderr, flags.resources_file + ":\n");
      return refuse(wrong);
    }
  }
  Metrics metrics;
  const auto assembly = assemble(examine_config(*text, builtin_load_options()), builtin_plugins(),
                                 metrics, builtin_options(flags.allow_experimental_plugins));
  if (!assembly) return refuse(assembly.error());
  for (const Diagnostic& warning : assembly->warnings) {
    print(stderr, "warning: " + to_string(warning) + "\n");
  }
  print(stdout, "# the effective configuration, defaults included\n");
  print(stdout, to_yaml(to_node(assembly->config)) + "\n");
  return 0;
}

}  // namespace pointsman
