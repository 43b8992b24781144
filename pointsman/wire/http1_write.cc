// How messages of HTTP/1.1 are written.

#include <array>
#include <charconv>
#include <ctime>

#include "pointsman/wire/http1.h"

namespace pointsman {

void append_request_line(std::string& out, std::string_view method, std::string_view target) {
  ((out += method) += ' ') += target;
  out += " HTTP/1.1\r\n";
}

void append_status_line(std::string& out, int status, std::string_view reason) {
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::uint64_t>(status));
  out += ' ';
  out += reason.empty() ? reason_phrase(status) : reason;
  out += "\r\n";
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  ((out += name) += ": ") += value;
  out += "\r\n";
}

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), number).ptr;
  out.append(digits.data(), end);
}

void append_chunk_size(std::string& out, std::size_t size) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), size, 16).ptr;
  out.append(digits.data(), end);
  out += "\r\n";
}

std::string_view http_date() {
  // Not request data: the same second for everybody on this thread.
  thread_local std::time_t made_at = -1;
  thread_local std::array<char, 32> text{};
  thread_local std::size_t size = 0;
  const std::time_t now = std::time(nullptr);
  if (now != made_at) {
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    made_at = now;
  }
  return {text.data(), size};
}

}  // namespace pointsman
