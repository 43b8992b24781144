#include "pointsman/app/config_fix.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "pointsman/app/builtin.h"
#include "pointsman/config/config_loader.h"
#include "pointsman/config/patch.h"
#include "pointsman/engine/assembly.h"

namespace pointsman {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> unwritten(const std::string& path, const std::error_code& why) {
  return fail(Code::io, "cannot write " + path + ": " + why.message());
}

}  // namespace

ConfigFix fix_configuration(std::string_view text, bool allow_experimental_plugins) {
  const LoadOptions options = builtin_load_options();
  auto fixed = fix_config(text, options);
  if (!fixed) {
    return {.text = std::string(text),
            .difference = {},
            .changes = {},
            .problems = {{.text = fixed.error().message}}};
  }
  ConfigFix fix{.text = std::move(fixed->text),
                .difference = {},
                .changes = std::move(fixed->changes),
                .problems = {}};
  fix.difference = difference(text, fix.text);
  Metrics metrics;
  const auto assembly = assemble(examine_config(fix.text, options), builtin_plugins(), metrics,
                                 builtin_options(allow_experimental_plugins));
  if (!assembly) {
    fix.problems = assembly.error();
    return fix;
  }
  const auto again = fix_config(fix.text, options);
  if (again) fix.problems = again->changes;  // none, or the table undoes itself
  return fix;
}

std::string fixed_name(std::string_view file) {
  if (file.empty()) return "-";
  const fs::path path(file);
  const std::string extension = path.extension().string();
  return (path.parent_path() / (path.stem().string() + ".fixed" + extension)).string();
}

Result<void> write_file(const std::string& path, std::string_view text, bool overwrite) {
  std::error_code error;
  // Through a link the file that it points to is replaced, not the link.
  fs::path target(path);
  if (fs::exists(target, error)) {
    if (!overwrite) return fail(Code::io, path + " exists already; say -o or --in-place");
    target = fs::canonical(target, error);
    if (error) return unwritten(path, error);
  }
  const fs::path beside = target.string() + ".new";
  {
    std::ofstream file(beside, std::ios::binary | std::ios::trunc);
    file.write(text.data(), static_cast<std::streamsize>(text.size()));
    file.close();
    if (!file) return unwritten(path, {errno == 0 ? EIO : errno, std::generic_category()});
  }
  const fs::perms mode = fs::status(target, error).permissions();
  if (!error && fs::exists(target)) fs::permissions(beside, mode, error);
  fs::rename(beside, target, error);
  if (!error) return {};
  std::error_code ignored;
  fs::remove(beside, ignored);
  return unwritten(path, error);
}

}  // namespace pointsman
