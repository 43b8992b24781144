// The sending half of HttpClientConnection.

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

#include "pointsman/wire/http_client_connection.h"

namespace pointsman {

void HttpClientConnection::write_head(const HttpTarget& target, const RequestHead& head,
                                      std::uint64_t length, const HttpFields* trailers) {
  method_ = head.method;
  upgrade_ = head.fields.find("upgrade").value_or(std::string_view());
  text_.clear();
  append_request_line(text_, head.method, head.target);
  if (!head.fields.contains("host")) {
    append_field(text_, "Host", target.host.empty() ? target.address.text() : target.host);
  }
  for (std::size_t i = 0; i < head.fields.size(); ++i) {
    const auto [name, value] = head.fields[i];
    if (same_name(name, "content-length") || same_name(name, "transfer-encoding")) continue;
    append_field(text_, name, value);
  }
  if (trailers != nullptr) {
    text_ += "Transfer-Encoding: chunked\r\nTrailer: ";
    for (std::size_t i = 0; i < trailers->size(); ++i) {
      (text_ += i == 0 ? "" : ", ") += (*trailers)[i].name;
    }
    text_ += "\r\n\r\n";
    if (length > 0) append_chunk_size(text_, length);
    return;
  }
  if (length > 0 || needs_length(head.method)) {
    text_ += "Content-Length: ";
    append_number(text_, length);
    text_ += "\r\n";
  }
  text_ += "\r\n";
}

// What ends a body that is one chunk.
void HttpClientConnection::write_tail(std::uint64_t length, const HttpFields& trailers) {
  tail_ = length > 0 ? "\r\n0\r\n" : "0\r\n";
  for (std::size_t i = 0; i < trailers.size(); ++i) {
    append_field(tail_, trailers[i].name, trailers[i].value);
  }
  tail_ += "\r\n";
}

// Sends what is left of the request, as far as the kernel takes it. A peer that takes no more may
// have answered already, so that this is no failure: reading finds out.
void HttpClientConnection::send() {
  while (!sent_all() && !unsendable_) {
    std::size_t offered = 0;
    const auto rest = std::span<const std::string_view>(parts_).subspan(part_);
    for (const auto& part : rest) offered += part.size();
    const auto sent = stream_->write(rest);
    if (!sent) {
      unsendable_ = true;
      return;
    }
    advance(*sent);
    // A TLS stream takes so much at a time; only one that takes nothing has to be waited for.
    if (*sent < offered && (*sent == 0 || !tls_)) {
      if (std::exchange(sending_, true)) return;
      stream_->when_writable([this] {
        const auto self = shared_from_this();
        sending_ = false;
        send();
      });
      return;
    }
  }
}

void HttpClientConnection::advance(std::size_t sent) {
  while (part_ < parts_.size()) {
    std::string_view& part = parts_[part_];
    const std::size_t here = std::min(sent, part.size());
    part.remove_prefix(here);
    sent -= here;
    if (!part.empty()) return;
    ++part_;
  }
}

}  // namespace pointsman
