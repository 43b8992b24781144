#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <nghttp2/nghttp2.h>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pointsman {

// An HTTP/2 client without a socket, for tests and benches: nghttp2's client session, which
// shares no state with the server under test.
class Http2Client final {
 public:
  struct Answer {
    std::map<std::string, std::string> fields;  // header fields and trailers together
    std::string body;
    int blocks = 0;  // HEADERS frames: 1 or, with trailers, 2
    bool ended = false;
    std::optional<std::uint32_t> closed;  // error code
  };
  using Fields = std::vector<std::pair<std::string, std::string>>;

  explicit Http2Client(bool read_automatically = true) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    set_callbacks(callbacks);
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_window_update(option, read_automatically ? 0 : 1);
    nghttp2_session_client_new2(&session_, callbacks, this, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
  }
  ~Http2Client() { nghttp2_session_del(session_); }
  Http2Client(const Http2Client&) = delete;
  Http2Client& operator=(const Http2Client&) = delete;

  // Opens a stream; more body follows with write() unless `end`.
  std::int32_t request(const Fields& fields, bool end = false) {
    std::vector<nghttp2_nv> all;
    all.reserve(fields.size());
    for (const auto& [name, value] : fields) {
      all.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    }
    nghttp2_data_provider body{};
    body.read_callback = [](nghttp2_session*, std::int32_t id, std::uint8_t* to, std::size_t room,
                            std::uint32_t* flags, nghttp2_data_source*, void* self) {
      return static_cast<Http2Client*>(self)->read(id, to, room, flags);
    };
    return nghttp2_submit_request(session_, nullptr, all.data(), all.size(), end ? nullptr : &body,
                                  nullptr);
  }
  std::int32_t post(std::string_view path, bool end = false) {
    return request({{":method", "POST"},
                    {":scheme", "http"},
                    {":authority", "test"},
                    {":path", std::string(path)},
                    {"content-type", "application/grpc"},
                    {"te", "trailers"}},
                   end);
  }
  void write(std::int32_t id, std::string_view body, bool end = false) {
    Upload& upload = uploads_[id];
    upload.bytes.append(body);
    upload.end = upload.end || end;
    if (std::exchange(upload.waiting, false)) nghttp2_session_resume_data(session_, id);
  }
  void reset(std::int32_t id, std::uint32_t code = NGHTTP2_CANCEL) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, code);
  }
  void ping() { nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr); }
  // Makes room for as many bytes more, on a client that does not read automatically.
  void consume(std::int32_t id, std::size_t n) { nghttp2_session_consume(session_, id, n); }

  std::string output() {
    std::string all;
    const std::uint8_t* data = nullptr;
    for (ssize_t n = 0; (n = nghttp2_session_mem_send(session_, &data)) > 0;) {
      all.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(n));
    }
    return all;
  }
  void feed(std::string_view input) {
    const ssize_t used = nghttp2_session_mem_recv(
        session_, reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
    if (used < 0) failed_ = true;
  }

  // Moves bytes both ways until neither side has any left. Both must be done in 10,000 turns.
  template <typename Server, typename Time>
  bool settle(Server& server, Time now) {
    bool good = true;
    for (int turn = 0; turn < 10'000; ++turn) {
      const std::string out = output();
      if (!out.empty()) good = server.feed(out, now).has_value() && good;
      const std::string_view in = server.output();
      if (out.empty() && in.empty()) return good;
      feed(in);
      server.sent(in.size());
    }
    return false;
  }

  Answer& answer(std::int32_t id) { return answers_[id]; }
  bool failed() const { return failed_; }
  int goaways() const { return goaways_; }
  std::uint32_t goaway_code() const { return goaway_code_; }
  std::uint32_t setting(nghttp2_settings_id id) const {
    return nghttp2_session_get_remote_settings(session_, id);
  }
  nghttp2_session* raw() { return session_; }

 private:
  struct Upload {
    std::string bytes;
    bool end = false;
    bool waiting = false;
  };

  static std::uint8_t* bytes(const std::string& text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  }

  ssize_t read(std::int32_t id, std::uint8_t* to, std::size_t room, std::uint32_t* flags) {
    Upload& upload = uploads_[id];
    const std::size_t n = upload.bytes.copy(reinterpret_cast<char*>(to), room);
    upload.bytes.erase(0, n);
    if (upload.bytes.empty() && upload.end) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
    } else if (n == 0) {
      upload.waiting = true;
      return NGHTTP2_ERR_DEFERRED;
    }
    return static_cast<ssize_t>(n);
  }

  static void set_callbacks(nghttp2_session_callbacks* callbacks) {
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                      std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                      std::uint8_t, void* self) {
          static_cast<Http2Client*>(self)->answers_[frame->hd.stream_id].fields.insert_or_assign(
              std::string(reinterpret_cast<const char*>(name), name_size),
              std::string(reinterpret_cast<const char*>(value), value_size));
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks, [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                      std::size_t size, void* self) {
          static_cast<Http2Client*>(self)->answers_[id].body.append(
              reinterpret_cast<const char*>(data), size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
          auto& client = *static_cast<Http2Client*>(self);
          if (frame->hd.type == NGHTTP2_GOAWAY) {
            ++client.goaways_;
            client.goaway_code_ = frame->goaway.error_code;
          }
          const bool headers = frame->hd.type == NGHTTP2_HEADERS;
          if (!headers && frame->hd.type != NGHTTP2_DATA) return 0;
          Answer& answer = client.answers_[frame->hd.stream_id];
          if (headers) ++answer.blocks;
          if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) answer.ended = true;
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        callbacks, [](nghttp2_session*, std::int32_t id, std::uint32_t code, void* self) {
          static_cast<Http2Client*>(self)->answers_[id].closed = code;
          return 0;
        });
  }

  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, Upload> uploads_;
  std::map<std::int32_t, Answer> answers_;
  std::uint32_t goaway_code_ = 0;
  int goaways_ = 0;
  bool failed_ = false;
};

}  // namespace pointsman
