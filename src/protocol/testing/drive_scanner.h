#pragma once
// Drives a FrameScanner over a stream cut into pieces, as a relay would, and collects what it says in the terms of the
// slow model, so that the two can be compared. `complain` is called with a text when the scanner breaks its contract in
// a way the model has no words for.

#include "protocol/testing/slow_scanner.h"

namespace fairlead::protocol::testing {

template <class Pieces, class Complain>
StreamSeen drive(const Pieces& pieces, const FrameScanner::Options& options, Complain complain) {
  FrameScanner scanner(options);
  FrameTally tally;
  StreamSeen seen;
  std::uint64_t offset = 0;       // of the span in the stream
  std::uint64_t frame_start = 0;  // of the frame under way, as the boundaries have it
  for (std::string_view piece : pieces) {
    while (true) {
      const auto* data = reinterpret_cast<const unsigned char*>(piece.data());
      const auto step = scanner.scan(data, piece.size(), &tally);
      if (step.consumed > piece.size()) complain("consumed more than was given");
      const std::uint32_t boundary = scanner.last_boundary();
      if (boundary != FrameScanner::kNoBoundary) {
        if (boundary > piece.size()) complain("boundary outside the span");
        if (frame_start < offset + boundary || scanner.frames() != 0) frame_start = offset + boundary;
        seen.ends.push_back(frame_start);
      }
      if (step.event == FrameScanner::Event::violation) {
        seen.violation = scanner.violation_code();
        seen.reason = scanner.violation_reason();
        seen.violation_start = offset + step.consumed;
        if (frame_start < offset) {
          if (step.consumed != 0) complain("a frame of an earlier span must be reported with 0");
          seen.violation_start = frame_start;
        }
        const auto again = scanner.scan(data, piece.size(), &tally);
        if (again.event != FrameScanner::Event::violation || again.consumed != 0) complain("a violation must be final");
        break;
      }
      if (step.event == FrameScanner::Event::more) {
        if (step.consumed != piece.size()) complain("more must consume everything");
        offset += piece.size();
        break;
      }
      tally.of(frame_kind(scanner.control_opcode())).add();
      ControlSeen control;
      control.end = offset + step.consumed;
      control.opcode = static_cast<unsigned>(scanner.control_opcode());
      control.length = scanner.control_length();
      control.captured = scanner.control_captured();
      for (int i = 0; i < 8; ++i) control.head[i] = scanner.control_head()[i];
      seen.controls.push_back(control);
      if (boundary != step.consumed) complain("a control frame ends at a boundary");
      if (!scanner.at_boundary() || scanner.in_control()) complain("after a control frame comes a boundary");
      offset += step.consumed;
      piece.remove_prefix(step.consumed);
      if (piece.empty()) break;
    }
    if (scanner.violated()) break;
  }
  seen.frames = scanner.frames();
  for (std::size_t i = 0; i < kFrameKinds; ++i) seen.kinds[i] = tally.frames[i].get();
  seen.texts = tally.text_messages.get();
  if (tally.text_messages.get() + tally.binary_messages.get() != scanner.messages()) complain("messages by kind");
  seen.messages = scanner.messages();
  seen.at_boundary = scanner.at_boundary();
  seen.between_messages = scanner.between_messages();
  seen.partial_header = scanner.partial_header();
  seen.in_control = scanner.in_control();
  return seen;
}

// Whether what a scanner saw is what the model sees. `ends` of a scanner are the last boundaries of its spans only.
inline bool agrees(const StreamSeen& scanned, StreamSeen model, std::string& why) {
  std::size_t next = 0;
  for (const std::uint64_t end : scanned.ends) {
    while (next < model.ends.size() && model.ends[next] < end) ++next;
    if (next == model.ends.size() || model.ends[next] != end) {
      why = "a boundary at " + std::to_string(end) + " where no frame ends";
      return false;
    }
  }
  if (!model.ends.empty() && (scanned.ends.empty() || scanned.ends.back() != model.ends.back())) {
    why = "the last boundary was not seen";
    return false;
  }
  model.ends = scanned.ends;
  if (model.violation != CloseCode::none) {
    // A scanner that is done for says nothing more about where it stands.
    model.partial_header = 0;
    model.in_control = false;
  }
  if (scanned.controls != model.controls)
    why = "control frames differ";
  else if (scanned.frames != model.frames)
    why = "frames " + std::to_string(scanned.frames) + ", not " + std::to_string(model.frames);
  else if (scanned.messages != model.messages)
    why = "messages differ";
  else if (scanned.reason != model.reason)
    why = "'" + scanned.reason + "', not '" + model.reason + "'";
  else if (scanned.violation_start != model.violation_start)
    why = "violation at " + std::to_string(scanned.violation_start);
  else if (scanned.partial_header != model.partial_header)
    why = "partial header " + std::to_string(scanned.partial_header);
  else if (!(scanned == model))
    why = "state differs";
  else
    return true;
  return false;
}

}  // namespace fairlead::protocol::testing
