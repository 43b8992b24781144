#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace pointsman::testing {

// A model server's /metrics, well or badly behaved, on a port of its own of the loopback address
// and a thread of its own. It shares no code with the router's HTTP.
//
// Threading: any thread.
class PageServer {
 public:
  enum class Mode : std::uint8_t {
    page,      // the page, on a kept connection
    closing,   // the page; then the connection is closed without a word
    error,     // status 500
    hang,      // reads the request and never answers
    drip,      // a byte every few milliseconds
    endless,   // a page that has no end
    garbage,   // no HTTP
    cut,       // half of the page, then the end
    redirect,  // from /metrics to /metrics/, where the page is
    gzip,      // says that the page is compressed
    deaf,      // takes no connections, for good
  };

  PageServer();
  ~PageServer();
  PageServer(const PageServer&) = delete;
  PageServer& operator=(const PageServer&) = delete;

  std::uint16_t port() const { return port_; }
  void set(Mode mode);
  void set_page(std::string page);

  std::size_t requests() const;     // so far
  std::size_t connections() const;  // so far
  std::string last_request() const;

 private:
  struct Connection {
    int socket = -1;
    std::string in;
    std::string out;
    Mode mode = Mode::page;  // of the answer in `out`
    bool close = false;      // when `out` is sent
  };

  void run();
  void accept_one();
  bool read(Connection& connection);
  void answer(Connection& connection, const std::string& request);
  bool write(Connection& connection);

  std::uint16_t port_ = 0;
  int listener_;
  int wake_;
  std::list<Connection> open_;  // of the thread

  mutable std::mutex mutex_;
  Mode mode_ = Mode::page;
  std::string page_;
  std::size_t requests_ = 0;
  std::size_t connections_ = 0;
  std::string last_request_;
  bool stop_ = false;

  std::jthread thread_;
};

}  // namespace pointsman::testing
