#include "pointsman/wire/http2_stream.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <nghttp2/nghttp2.h>
#include <utility>

#include "pointsman/base/bug.h"
#include "pointsman/wire/http2_state.h"

namespace pointsman {
namespace {

constexpr std::size_t kFrameHeader = 9;

nghttp2_nv field(const Http2Field& from) {
  // nghttp2 takes mutable bytes and leaves them alone.
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  return {bytes(from.name), bytes(from.value), from.name.size(), from.value.size(),
          NGHTTP2_NV_FLAG_NONE};
}

constexpr std::size_t kUsualFields = 24;

// Fields as nghttp2 takes them; few of them cost no allocation.
struct Fields {
  explicit Fields(std::span<const Http2Field> from) : count(from.size()) {
    if (count > kUsualFields) {
      many.resize(count);
      all = many.data();
    }
    std::ranges::transform(from, all, field);
  }
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  std::array<nghttp2_nv, kUsualFields> few{};
  std::vector<nghttp2_nv> many;
  nghttp2_nv* all = few.data();
  std::size_t count;
};

}  // namespace

void Http2Session::State::refuse(std::int32_t id, std::string_view status) {
  const std::array<Http2Field, 1> answer{{{":status", status}}};
  const Fields fields_of_answer(answer);
  require_http2(nghttp2_submit_response(session.get(), id, fields_of_answer.all,
                                        fields_of_answer.count, nullptr),
                "http2 refusal");
}

void Http2Session::State::resume(Http2Stream& stream) {
  if (std::exchange(stream.deferred_, false)) {
    // Fails only when the stream is being reset, and then nothing is to be sent.
    nghttp2_session_resume_data(session.get(), stream.id_);
  }
  tell();
}

void Http2Session::State::settle(Http2Stream& stream) {
  if (stream.uncredited_ > 0 && stream.queue_.size() <= limits.stream_backlog) {
    nghttp2_session_consume_stream(session.get(), stream.id_, std::exchange(stream.uncredited_, 0));
  }
  settle_connection();
}

void Http2Session::State::settle_connection() {
  if (uncredited > 0 && backlog <= limits.connection_backlog) {
    nghttp2_session_consume_connection(session.get(), std::exchange(uncredited, 0));
  }
}

ssize_t Http2Session::State::read_body(Http2Stream& stream, std::size_t room,
                                       std::uint32_t& flags) {
  const std::size_t size = std::min(room, stream.queue_.size());
  if (size == 0 && stream.end_ == Http2Stream::End::open) {
    stream.deferred_ = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (size == stream.queue_.size() && stream.end_ != Http2Stream::End::open) {
    flags |= NGHTTP2_DATA_FLAG_EOF;
    if (stream.end_ == Http2Stream::End::trailers) {
      flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      const Fields trailers(stream.trailers_);
      nghttp2_submit_trailer(session.get(), stream.id_, trailers.all, trailers.count);
    }
  }
  return static_cast<ssize_t>(size);
}

int Http2Session::State::frame_body(Http2Stream& stream, const std::uint8_t* header,
                                    std::size_t length) {
  if (out.size() >= limits.output_batch) return NGHTTP2_ERR_WOULDBLOCK;
  char* to = out.reserve(kFrameHeader + length).data();
  std::memcpy(to, header, kFrameHeader);
  if (length > 0) std::memcpy(to + kFrameHeader, stream.queue_.bytes().data(), length);
  out.commit(kFrameHeader + length);
  stream.queue_.consume(length);
  backlog -= length;
  if (stream.queue_.empty()) pool.give(stream.queue_);
  settle(stream);
  return 0;
}

void Http2Stream::respond(std::span<const Http2Field> fields, bool end) {
  if (std::exchange(responded_, true)) bug("two answers on one stream");
  const Fields all(fields);
  nghttp2_data_provider body{};
  body.source.ptr = this;
  body.read_callback = [](nghttp2_session*, std::int32_t, std::uint8_t*, std::size_t room,
                          std::uint32_t* flags, nghttp2_data_source* source, void* user) {
    return static_cast<Http2Session::State*>(user)->read_body(
        *static_cast<Http2Stream*>(source->ptr), room, *flags);
  };
  if (end) end_ = End::bare;
  require_http2(nghttp2_submit_response(session_->session.get(), id_, all.all, all.count,
                                        end ? nullptr : &body),
                "http2 response");
  session_->tell();
}

void Http2Stream::inform(std::string_view status) {
  const std::array<Http2Field, 1> answer{{{":status", status}}};
  const Fields fields(answer);
  require_http2(nghttp2_submit_headers(session_->session.get(), NGHTTP2_FLAG_NONE, id_, nullptr,
                                       fields.all, fields.count, nullptr) < 0
                    ? -1
                    : 0,
                "http2 interim answer");
  session_->tell();
}

std::span<char> Http2Stream::reserve(std::size_t n) {
  if (queue_.capacity() == 0) queue_ = session_->pool.take();
  return queue_.reserve(n);
}

void Http2Stream::commit(std::size_t n) {
  queue_.commit(n);
  session_->backlog += n;
  session_->resume(*this);
}

void Http2Stream::finish(std::span<const Http2Field> trailers) {
  if (!responded_ || end_ != End::open) bug("finish() on a stream that is not being answered");
  end_ = trailers.empty() ? End::bare : End::trailers;
  std::size_t size = 0;
  for (const Http2Field& each : trailers) size += each.name.size() + each.value.size();
  trailer_bytes_.reserve(size);  // so that the views below stay valid
  for (const Http2Field& each : trailers) {
    const std::size_t at = trailer_bytes_.size();
    trailer_bytes_.append(each.name).append(each.value);
    const std::string_view both = std::string_view(trailer_bytes_).substr(at);
    trailers_.push_back({both.substr(0, each.name.size()), both.substr(each.name.size())});
  }
  session_->resume(*this);
}

void Http2Stream::reset(Http2Error error) {
  require_http2(nghttp2_submit_rst_stream(session_->session.get(), NGHTTP2_FLAG_NONE, id_,
                                          static_cast<std::uint32_t>(error)),
                "http2 reset");
  session_->tell();
}

void Http2Stream::credit(std::size_t n) {
  uncredited_ += n;
  drop(n);
}

void Http2Stream::drop(std::size_t n) {
  held_ -= n;
  session_->uncredited += n;
  session_->settle(*this);
  if (!session_->busy && nghttp2_session_want_write(session_->session.get()) != 0) {
    session_->tell();
  }
}

}  // namespace pointsman
