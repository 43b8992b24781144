#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <nghttp2/nghttp2.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/wire/listener.h"
#include "pointsman/wire/testing/http_peer.h"

namespace pointsman::testing {

// A server of HTTP/2 that does what a test says: nghttp2's server session on sockets, without any
// of our code for HTTP/2.
class Http2Peer {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;

  struct Link;
  struct Request {
    Link* link = nullptr;
    std::int32_t id = 0;
    std::map<std::string, std::string> fields;  // with trailers
    std::string body;
    bool ended = false;
    std::int64_t closed = -1;  // with which error
    // The answer.
    std::string to_send;
    bool last = false;
    bool waiting = false;
    Fields trailers;
  };

  struct Link {
    explicit Link(Http2Peer& of) : peer(of) {}
    ~Link() { nghttp2_session_del(session); }
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    Http2Peer& peer;
    std::unique_ptr<Stream> stream;
    nghttp2_session* session = nullptr;
    int pings = 0;
    int goaways = 0;
    bool ended = false;  // the client closed it
  };

  struct Options {
    std::uint32_t streams = 100;
    bool silent = false;      // says nothing at all
    bool deaf_later = false;  // answers no pings
    std::shared_ptr<TlsContext> tls;
  };

  Http2Peer(Loop& loop, Options options) : loop_(loop), options_(std::move(options)) {
    listener_ = *Listener::open(loop, *Address::parse("127.0.0.1:0"), {.tls = options_.tls},
                                {{loop, [this](auto stream) { accept(std::move(stream)); }}});
  }

  HttpTarget target() const { return {.address = listener_->address(), .http2 = true}; }

  // The nth request that has begun, once it has come whole.
  Request& request(std::size_t n = 0) {
    EXPECT_TRUE(loop_.run_until([&] { return requests.size() > n && requests[n].ended; }));
    return requests[n];
  }

  void head(Request& to, const Fields& fields, bool end = false) {
    std::vector<nghttp2_nv> all = values(fields);
    nghttp2_data_provider body{};
    body.source.ptr = &to;
    body.read_callback = [](nghttp2_session* session, std::int32_t id, std::uint8_t* out,
                            std::size_t room, std::uint32_t* flags, nghttp2_data_source* source,
                            void*) -> ssize_t {
      auto& from = *static_cast<Request*>(source->ptr);
      const std::size_t n = from.to_send.copy(reinterpret_cast<char*>(out), room);
      from.to_send.erase(0, n);
      if (from.to_send.empty() && from.last) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (!from.trailers.empty()) {
          *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
          auto last = values(from.trailers);
          nghttp2_submit_trailer(session, id, last.data(), last.size());
        }
      } else if (n == 0) {
        from.waiting = true;
        return NGHTTP2_ERR_DEFERRED;
      }
      return static_cast<ssize_t>(n);
    };
    nghttp2_submit_response(to.link->session, to.id, all.data(), all.size(), end ? nullptr : &body);
    flush(*to.link);
  }
  void body(Request& to, std::string_view bytes, bool last = false) {
    to.to_send += bytes;
    to.last = last;
    if (std::exchange(to.waiting, false)) nghttp2_session_resume_data(to.link->session, to.id);
    flush(*to.link);
  }
  void answer(Request& to, std::string_view bytes, const std::string& status = "200") {
    head(to, {{":status", status}, {"x-a", "b"}});
    body(to, bytes, true);
  }
  void interim(Request& to, const std::string& status) {
    const Fields fields{{":status", status}};
    auto all = values(fields);
    nghttp2_submit_headers(to.link->session, NGHTTP2_FLAG_NONE, to.id, nullptr, all.data(), 1,
                           nullptr);
    flush(*to.link);
  }
  void reset(Request& to, std::uint32_t error) {
    nghttp2_submit_rst_stream(to.link->session, NGHTTP2_FLAG_NONE, to.id, error);
    flush(*to.link);
  }
  void goaway(Link& link, std::int32_t last) {
    nghttp2_submit_goaway(link.session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, nullptr, 0);
    flush(link);
  }
  void allow(Link& link, std::uint32_t streams) {
    const nghttp2_settings_entry entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, streams};
    nghttp2_submit_settings(link.session, NGHTTP2_FLAG_NONE, &entry, 1);
    flush(link);
  }
  void raw(Link& link, std::string_view bytes) {
    EXPECT_EQ(link.stream->write(std::span(&bytes, 1)).value_or(0), bytes.size());
  }
  void flush(Link& link) {
    const std::uint8_t* data = nullptr;
    for (ssize_t n = 0; (n = nghttp2_session_mem_send(link.session, &data)) > 0;) {
      unsent_[&link].append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(n));
    }
    push(link);
  }

  std::deque<Request> requests;  // of all connections, as they began
  std::deque<Link> links;
  bool deaf = false;  // reads nothing more

 private:
  static std::vector<nghttp2_nv> values(const Fields& fields) {
    std::vector<nghttp2_nv> all;
    for (const auto& [name, value] : fields) {
      const auto bytes = [](const std::string& text) {
        return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
      };
      all.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    }
    return all;
  }

  void accept(std::unique_ptr<Stream> stream) {
    Link& link = links.emplace_back(*this);
    link.stream = std::move(stream);
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    set_callbacks(callbacks);
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    if (options_.deaf_later) nghttp2_option_set_no_auto_ping_ack(option, 1);
    nghttp2_session_server_new2(&link.session, callbacks, &link, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options_.streams};
    nghttp2_submit_settings(link.session, NGHTTP2_FLAG_NONE, &entry, 1);
    listen(link);
    if (!options_.silent) flush(link);
  }

  void listen(Link& link) {
    link.stream->when_readable([this, &link] {
      if (deaf) return;
      const auto got = link.stream->read(loop_.scratch());
      if (!got || got->end) {
        link.ended = true;
        return;
      }
      nghttp2_session_mem_recv(
          link.session, reinterpret_cast<const std::uint8_t*>(loop_.scratch().data()), got->bytes);
      if (!options_.silent) flush(link);
      listen(link);
    });
  }

  void push(Link& link) {
    std::string& rest = unsent_[&link];
    if (rest.empty()) return;
    const std::string_view view = rest;
    rest.erase(0, link.stream->write(std::span(&view, 1)).value_or(rest.size()));
    if (!rest.empty()) link.stream->when_writable([this, &link] { push(link); });
  }

  Request* find(Link& link, std::int32_t id) {
    for (Request& each : requests) {
      if (each.link == &link && each.id == id) return &each;
    }
    return nullptr;
  }

  static void set_callbacks(nghttp2_session_callbacks* callbacks) {
    nghttp2_session_callbacks_set_on_begin_headers_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
          auto* link = static_cast<Link*>(user);
          if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
          Request& made = link->peer.requests.emplace_back();
          made.link = link;
          made.id = frame->hd.stream_id;
          return 0;
        });
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                      std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                      std::uint8_t, void* user) {
          auto* link = static_cast<Link*>(user);
          if (Request* known = link->peer.find(*link, frame->hd.stream_id)) {
            known->fields[std::string(reinterpret_cast<const char*>(name), name_size)] =
                std::string(reinterpret_cast<const char*>(value), value_size);
          }
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks, [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                      std::size_t size, void* user) {
          auto* link = static_cast<Link*>(user);
          if (Request* known = link->peer.find(*link, id)) {
            known->body.append(reinterpret_cast<const char*>(data), size);
          }
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
          auto* link = static_cast<Link*>(user);
          if (frame->hd.type == NGHTTP2_PING) ++link->pings;
          if (frame->hd.type == NGHTTP2_GOAWAY) ++link->goaways;
          Request* known = link->peer.find(*link, frame->hd.stream_id);
          const bool ends = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
          if (known != nullptr && ends && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
            known->ended = true;
          }
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        callbacks, [](nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
          auto* link = static_cast<Link*>(user);
          if (Request* known = link->peer.find(*link, id)) known->closed = error;
          return 0;
        });
  }

  Loop& loop_;
  Options options_;
  std::unique_ptr<Listener> listener_;
  std::map<Link*, std::string> unsent_;
};

}  // namespace pointsman::testing
