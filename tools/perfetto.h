/* perfetto.h - field numbers of Perfetto's published .proto files, as far as we write them;
 * tests/trace/perfetto.proto has them too. */
#ifndef PERFETTO_H
#define PERFETTO_H

enum {
    TRACE_PACKET = 1,
    PACKET_FTRACE = 1,
    PACKET_CLOCKS = 6,
    PACKET_TIMESTAMP = 8,
    PACKET_SEQUENCE = 10,
    PACKET_TRACK_EVENT = 11,
    PACKET_INTERNED = 12,
    PACKET_FLAGS = 13,
    PACKET_TRACK = 60,

    BUNDLE_CPU = 1,
    BUNDLE_EVENT = 2,
    FTRACE_TIMESTAMP = 1,
    FTRACE_PID = 2,
    FTRACE_SWITCH = 4,
    FTRACE_WAKING = 20,
    SWITCH_PREV_PID = 2,
    SWITCH_PREV_PRIO = 3,
    SWITCH_PREV_STATE = 4,
    SWITCH_NEXT_PID = 6,
    SWITCH_NEXT_PRIO = 7,
    WAKING_PID = 2,
    WAKING_PRIO = 3,
    WAKING_SUCCESS = 4,
    WAKING_CPU = 5,

    CLOCKS_CLOCK = 1,
    CLOCK_ID = 1,
    CLOCK_TIME = 2,

    TRACK_UUID = 1,
    TRACK_NAME = 2,
    TRACK_PROCESS = 3,
    TRACK_THREAD = 4,
    TRACK_PARENT = 5,
    PROCESS_PID = 1,
    PROCESS_NAME = 6,
    THREAD_PID = 1,
    THREAD_TID = 2,
    THREAD_NAME = 5,

    EVENT_ANNOTATION = 4,
    EVENT_TYPE = 9,
    EVENT_NAME = 10,
    EVENT_TRACK = 11,
    EVENT_FLOW = 47,
    EVENT_FLOW_ENDS = 48,
    ANNOTATION_KEY = 1,
    ANNOTATION_UINT = 3,
    ANNOTATION_TEXT = 6,
    ANNOTATION_POINTER = 7,
    INTERNED_EVENT_NAME = 2,
    INTERNED_ANNOTATION_NAME = 3,
    INTERNED_ID = 1,
    INTERNED_TEXT = 2,
};

#endif
