#include "pointsman/fleet/text_file.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace pointsman {
namespace {

// The reason in the words of Go, which the reference's operators know: in lower case.
std::unexpected<Error> fail_with(const char* what, const std::string& path, int error) {
  std::string reason = std::error_code(error, std::generic_category()).message();
  std::ranges::transform(reason, reason.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return fail(Code::io, what + (" " + path) + ": " + reason);
}

}  // namespace

Result<std::string> read_text_file(const std::string& path, std::size_t limit) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return fail_with("open", path, errno);
  std::string text(limit + 1, '\0');
  std::size_t size = 0;
  ssize_t got = 1;
  while (size < text.size() && got > 0) {
    got = ::read(file, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) {
      got = 1;
      continue;
    }
    if (got > 0) size += static_cast<std::size_t>(got);
  }
  const int error = errno;
  ::close(file);
  if (got < 0) return fail_with("read", path, error);
  if (size > limit) {
    return fail(Code::too_large,
                "read " + path + ": larger than " + std::to_string(limit) + " bytes");
  }
  text.resize(size);
  return text;
}

}  // namespace pointsman
