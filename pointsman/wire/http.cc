#include "pointsman/wire/http.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "pointsman/base/text.h"

namespace pointsman {
namespace {

// Calls `each` with the elements of a comma-separated list; stops when it returns true.
template <typename Each>
bool any_element(std::string_view list, const Each& each) {
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    const auto element = trim(list.substr(0, comma));
    if (!element.empty() && each(element)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

constexpr std::array<std::string_view, 7> kHopByHop{"keep-alive", "proxy-connection",  "te",
                                                    "trailer",    "transfer-encoding", "upgrade",
                                                    "connection"};

}  // namespace

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::ranges::equal(a, b, [](char x, char y) {
           return x == y || to_lower(x) == to_lower(y);
         });
}

HttpFields::Field HttpFields::operator[](std::size_t i) const {
  const Place& place = places_[i];
  const char* const at = text_.data() + place.at;
  return {{at, place.name}, {at + place.name, place.value}};
}

std::optional<std::string_view> HttpFields::find(std::string_view name) const {
  for (std::size_t i = 0; i < size(); ++i) {
    const Field field = (*this)[i];
    if (same_name(field.name, name)) return field.value;
  }
  return std::nullopt;
}

bool HttpFields::has_token(std::string_view name, std::string_view token) const {
  for (std::size_t i = 0; i < size(); ++i) {
    const Field field = (*this)[i];
    if (same_name(field.name, name) &&
        any_element(field.value, [&](std::string_view e) { return same_name(e, token); })) {
      return true;
    }
  }
  return false;
}

void HttpFields::add(std::string_view name, std::string_view value) {
  places_.push_back({static_cast<std::uint32_t>(text_.size()),
                     static_cast<std::uint32_t>(name.size()),
                     static_cast<std::uint32_t>(value.size())});
  text_ += name;
  const std::size_t at = text_.size();
  text_ += value;
  for (std::size_t i = at; i < text_.size(); ++i) {
    if (text_[i] == '\r' || text_[i] == '\n' || text_[i] == '\0') text_[i] = ' ';
  }
}

void HttpFields::set(std::string_view name, std::string_view value) {
  remove(name);
  add(name, value);
}

std::size_t HttpFields::remove(std::string_view name) {
  return std::erase_if(places_, [&](const Place& place) {
    return same_name({text_.data() + place.at, place.name}, name);
  });
}

void HttpFields::clear() {
  text_.clear();
  places_.clear();
}

void HttpFields::reserve(std::size_t fields, std::size_t bytes) {
  places_.reserve(fields);
  text_.reserve(bytes);
}

void HttpFields::recycle() {
  clear();
  if (text_.capacity() > kKept) text_ = std::string();
}

void RequestHead::recycle() {
  fields.recycle();
  if (target.capacity() > HttpFields::kKept) target = std::string();
}

std::string_view RequestHead::path() const {
  return std::string_view(target).substr(0, target.find('?'));
}

std::string_view RequestHead::query() const {
  const auto at = target.find('?');
  return at == std::string::npos ? std::string_view() : std::string_view(target).substr(at + 1);
}

std::string_view RequestHead::parameter(std::string_view name) const {
  std::string_view rest = query();
  while (!rest.empty()) {
    const std::string_view pair = take_part(rest, '&');
    if (pair.starts_with(name) && pair.substr(name.size()).starts_with('=')) {
      return pair.substr(name.size() + 1);
    }
  }
  return {};
}

std::string_view reason_phrase(int status) {
  using Row = std::pair<int, std::string_view>;
  static constexpr std::array kPhrases{
      Row{100, "Continue"},
      Row{101, "Switching Protocols"},
      Row{200, "OK"},
      Row{201, "Created"},
      Row{202, "Accepted"},
      Row{204, "No Content"},
      Row{206, "Partial Content"},
      Row{301, "Moved Permanently"},
      Row{302, "Found"},
      Row{303, "See Other"},
      Row{304, "Not Modified"},
      Row{307, "Temporary Redirect"},
      Row{308, "Permanent Redirect"},
      Row{400, "Bad Request"},
      Row{401, "Unauthorized"},
      Row{403, "Forbidden"},
      Row{404, "Not Found"},
      Row{405, "Method Not Allowed"},
      Row{408, "Request Timeout"},
      Row{409, "Conflict"},
      Row{411, "Length Required"},
      Row{412, "Precondition Failed"},
      Row{413, "Content Too Large"},
      Row{415, "Unsupported Media Type"},
      Row{417, "Expectation Failed"},
      Row{422, "Unprocessable Content"},
      Row{429, "Too Many Requests"},
      Row{431, "Request Header Fields Too Large"},
      Row{499, "Client Closed Request"},
      Row{500, "Internal Server Error"},
      Row{501, "Not Implemented"},
      Row{502, "Bad Gateway"},
      Row{503, "Service Unavailable"},
      Row{504, "Gateway Timeout"},
      Row{505, "HTTP Version Not Supported"},
  };
  const auto* const row = std::ranges::lower_bound(kPhrases, status, {}, &Row::first);
  return row != kPhrases.end() && row->first == status ? row->second : std::string_view();
}

void remove_hop_by_hop(HttpFields& fields) {
  // What Connection names goes first; the values are copied since removing moves them.
  std::string named;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (same_name(fields[i].name, "connection")) (named += fields[i].value) += ',';
  }
  any_element(named, [&](std::string_view element) {
    fields.remove(element);
    return false;
  });
  for (const std::string_view name : kHopByHop) fields.remove(name);
}

void remove_forbidden_trailers(HttpFields& fields) {
  static constexpr std::array<std::string_view, 34> kForbidden{
      "age",
      "authorization",
      "cache-control",
      "content-encoding",
      "content-length",
      "content-range",
      "content-type",
      "cookie",
      "date",
      "expect",
      "expires",
      "host",
      "if-match",
      "if-modified-since",
      "if-none-match",
      "if-range",
      "if-unmodified-since",
      "location",
      "max-forwards",
      "pragma",
      "proxy-authenticate",
      "proxy-authorization",
      "range",
      "retry-after",
      "set-cookie",
      "vary",
      "warning",
      "www-authenticate",
      "http2-settings",
      "te",
      "trailer",
      "transfer-encoding",
      "upgrade",
      "connection",
  };
  if (fields.empty()) return;
  remove_hop_by_hop(fields);
  for (const std::string_view name : kForbidden) fields.remove(name);
}

void BodyBuffer::append(std::string_view more) {
  if (more.empty()) return;
  if (capacity_ - size_ < more.size()) reserve(std::max(size_ + more.size(), 2 * capacity_));
  std::memcpy(bytes_.get() + size_, more.data(), more.size());
  grow(more.size());
}

void BodyBuffer::reserve(std::size_t capacity) {
  if (capacity <= capacity_ && bytes_) return;
  auto bigger = std::make_unique_for_overwrite<char[]>(capacity + kPadding);
  if (size_ > 0) std::memcpy(bigger.get(), bytes_.get(), size_);
  bytes_ = std::move(bigger);
  capacity_ = capacity;
  grow(0);
}

std::span<char> BodyBuffer::room(std::size_t wanted) {
  if (capacity_ - size_ < std::min(wanted, kFirst / 8)) {
    reserve(std::min(size_ + wanted, std::max(2 * capacity_, kFirst)));
  }
  return {bytes_.get() + size_, std::min(wanted, capacity_ - size_)};
}

void BodyBuffer::grow(std::size_t used) {
  size_ += used;
  std::memset(bytes_.get() + size_, 0, kPadding);
}

void BodyBuffer::clear() {
  size_ = 0;
  if (bytes_) grow(0);
}

void BodyBuffer::recycle() {
  if (capacity_ <= kKept) return clear();
  bytes_.reset();
  size_ = 0;
  capacity_ = 0;
}

}  // namespace pointsman
