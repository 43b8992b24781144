#pragma once

namespace pointsman {

// Roles of the data layer. fleet/ implements them and runs what they describe; the pipeline only
// checks that a configuration binds them together sensibly.

// Something that is read from every endpoint again and again, such as its metrics page.
class Source {
 public:
  virtual ~Source() = default;
};

// Turns what a source read into load signals.
class Extractor {
 public:
  virtual ~Extractor() = default;
};

// Where endpoints come from.
class Discovery {
 public:
  virtual ~Discovery() = default;
};

}  // namespace pointsman
