// A PJRT plugin that does nothing, and one thing wrong: FAULT says which. It counts what it hands out and gets back.
// Places and offsets are those of pjrt_c_api.h; every argument struct is taken by offset.

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  NONE, NO_TABLE, NO_VERSION, MAJOR, MINOR, SHORT_TABLE, NO_FUNCTION, BAD_MESSAGE, NOT_UTF8, NO_CLIENT, NULL_TEXT,
  HUGE_DEVICES, ODD_DEVICES, NULL_DEVICE, STRIDE, KIND, NULL_INTS, UPLOAD_FAILS, NO_BUFFER, HOST_SIZE, DOWNLOAD_FAILS,
  OUTPUTS, ELEMENT, NEGATIVE_DIM, ENDLESS_RANK, NULL_DIMS, FOREIGN_DEVICE, NO_OUTPUT, EXECUTION_FAILS, NULL_BYTES,
  HUGE_PROGRAM, FORMAT, GARBAGE, NEGATIVE_BYTES, PARTITIONS, DEVICES, CRASH, NO_EXTENSION, NO_LAYOUTS, SHORT_EXTENSION, NO_HEAD,
  ODD_EXTENSION, ENDLESS_CHAIN, LAYOUTS_FAIL, LAYOUT_COUNT, NULL_LAYOUTS, NULL_LAYOUT, NO_WRITER, NULL_LAYOUT_TEXT
};

#define AT(type, offset) (*(type*)(args + (offset)))
#define IS(fault) (FAULT == (fault))

typedef struct {
  size_t size;
  void* extension;
  const char* name;
  size_t name_size;
  int kind;
  union { int64_t i; void* p; } value;
  size_t value_size;
} Named;
typedef void (*Callback)(void*, void*);
typedef void (*Deleter)(void*);

static int64_t alive;
static char device, description, other_device;
static char* devices[] = {&device, NULL};

static void* make(void) { alive++; return calloc(1, 64); }
static void end(void* object) { if (object) { alive--; free(object); } }
// An event whose first byte is set fails.
static void* event(int fails) { char* made = make(); made[0] = (char)fails; return made; }

static void* error_destroy(char* args) { end(AT(void*, 16)); return NULL; }
static void* error_message(char* args) {
  const char* text = IS(NOT_UTF8) ? "\xff broken\nsecond line" : "broken\nsecond line";
  AT(const char*, 24) = IS(BAD_MESSAGE) ? NULL : text;
  AT(size_t, 32) = strlen(text);
  return NULL;
}
static void* error_code(char* args) { AT(int, 24) = IS(BAD_MESSAGE) ? 99 : 13; return NULL; }
static void* initialize(char* args) { (void)args; return IS(BAD_MESSAGE) || IS(NOT_UTF8) ? make() : NULL; }
static void* attributes(char* args) {
  static Named named;
  named = (Named){sizeof(Named), NULL, "alive", 5, 1, {.i = alive}, 1};
  AT(void*, 16) = &named; AT(size_t, 24) = 1;
  return NULL;
}
static void* destroy(char* args) { end(AT(void*, 16)); return NULL; }
static void* event_ready(char* args) { AT(char, 24) = 1; return NULL; }
static void* event_await(char* args) { return AT(char*, 16)[0] ? make() : NULL; }
static void* event_on_ready(char* args) { AT(Callback, 24)(NULL, AT(void*, 32)); return NULL; }
static void* client_create(char* args) { AT(void*, 64) = IS(NO_CLIENT) ? NULL : make(); return NULL; }
static void* text(char* args) { AT(const char*, 24) = IS(NULL_TEXT) ? NULL : "fake"; AT(size_t, 32) = 4; return NULL; }
static void* client_devices(char* args) {
  AT(void*, 24) = IS(ODD_DEVICES) ? (char*)devices + 1 : (char*)devices;
  AT(size_t, 32) = IS(HUGE_DEVICES) ? (size_t)1 << 40 : IS(NULL_DEVICE) ? 2 : 1;
  return NULL;
}
// The program's text says how its compiler ends.
static int says(char* args, const char* word) {
  char* program = AT(char*, 24);
  char* code = *(char**)(program + 16);
  size_t size = *(size_t*)(program + 24), length = strlen(word);
  for (size_t place = 0; place + length <= size; place++)
    if (!memcmp(code + place, word, length)) return 1;
  return 0;
}
static void* compile(char* args) {
  if (IS(CRASH)) {
    printf("noise on stdout\n"); fflush(stdout);
    fprintf(stderr, "noise on stderr\n");
    if (says(args, "segfault")) *(volatile int*)8 = 0;
    if (says(args, "abort")) abort();
    if (says(args, "exit")) _Exit(7);
    if (says(args, "refuse")) return make();
  }
  AT(void*, 48) = make();
  return NULL;
}
static void* load(char* args) { AT(void*, 40) = make(); return NULL; }
static void* upload(char* args) {
  AT(void*, 104) = event(IS(UPLOAD_FAILS));
  AT(void*, 112) = IS(NO_BUFFER) ? NULL : make();
  return NULL;
}
static void* number(char* args) { AT(int, 24) = 0; return NULL; }
static void* description_attributes(char* args) {
  static Named named;
  named = (Named){IS(STRIDE) ? 64 : sizeof(Named), NULL, "coords", 6, IS(KIND) ? 9 : IS(NULL_INTS) ? 2 : 1, {.p = NULL}, 3};
  AT(size_t, 24) = 1; AT(void*, 32) = &named;
  return NULL;
}
static void* get_description(char* args) { AT(void*, 24) = &description; return NULL; }
static void* get_executable(char* args) { AT(void*, 24) = make(); return NULL; }
static void* executable_devices(char* args) {
  static char* foreign[] = {&other_device};
  AT(void*, 24) = IS(FOREIGN_DEVICE) ? foreign : devices; AT(size_t, 32) = IS(DEVICES) ? 0 : 1;
  return NULL;
}
static void* replicas(char* args) { AT(size_t, 24) = 1; return NULL; }
static void* partitions(char* args) { AT(size_t, 24) = IS(PARTITIONS) ? 2 : 1; return NULL; }
static void* outputs(char* args) { AT(size_t, 24) = IS(OUTPUTS) ? 3 : 1; return NULL; }
static void* output_types(char* args) {
  static int types[1];
  types[0] = IS(ELEMENT) ? 77 : 11;
  AT(void*, 24) = types; AT(size_t, 32) = 1;
  return NULL;
}
static void* output_dims(char* args) {
  static int64_t dims[2];
  static size_t ranks[1];
  dims[0] = IS(NEGATIVE_DIM) ? -2 : 2; dims[1] = 3;
  ranks[0] = IS(ENDLESS_RANK) ? SIZE_MAX : 2;
  AT(size_t, 24) = 1; AT(void*, 32) = IS(NULL_DIMS) ? NULL : dims; AT(void*, 40) = ranks;
  return NULL;
}
static void* execute(char* args) {
  AT(void***, 56)[0][0] = IS(NO_OUTPUT) ? NULL : make();
  AT(void**, 64)[0] = event(IS(EXECUTION_FAILS));
  return NULL;
}
static void* to_host(char* args) {
  if (AT(void*, 32)) { memset(AT(void*, 32), 0, AT(size_t, 40)); AT(void*, 48) = event(IS(DOWNLOAD_FAILS)); }
  else AT(size_t, 40) = IS(HOST_SIZE) ? 1 << 20 : 24;
  return NULL;
}
static void* ready_event(char* args) { AT(void*, 24) = event(0); return NULL; }
static void* serialize(char* args) {
  AT(const char*, 24) = IS(NULL_BYTES) ? NULL : "bytes"; AT(size_t, 32) = 5;
  AT(void*, 40) = make(); AT(Deleter, 48) = end;
  return NULL;
}
static void* optimized(char* args) {
  char* program = AT(char*, 24);
  *(const char**)(program + 32) = IS(FORMAT) ? "text" : "hlo_with_config"; *(size_t*)(program + 40) = IS(FORMAT) ? 4 : 15;
  if (*(char**)(program + 16)) memset(*(char**)(program + 16), 0xff, *(size_t*)(program + 24));
  else *(size_t*)(program + 24) = IS(HUGE_PROGRAM) ? (size_t)1 << 40 : IS(GARBAGE) ? 4 : 0;
  return NULL;
}
static void* memory(char* args) { AT(int64_t, 56) = IS(NEGATIVE_BYTES) ? -1 : 1; return NULL; }

// The executable owns them.
static char* layouts[] = {"{1,0}", "{0,1}"};
static void* parameter_layouts(char* args) {
  if (IS(LAYOUTS_FAIL)) return make();
  if (IS(NULL_LAYOUT)) layouts[1] = NULL;
  AT(size_t, 24) = IS(LAYOUT_COUNT) ? 1 : 2; AT(void*, 32) = IS(NULL_LAYOUTS) ? NULL : layouts;
  return NULL;
}
static void* write_layout(char* args) {
  AT(const char*, 24) = IS(NULL_LAYOUT_TEXT) ? NULL : AT(const char*, 16); AT(size_t, 32) = 5;
  AT(void*, 40) = make(); AT(Deleter, 48) = end;
  return NULL;
}

typedef struct { size_t size; int type; void* next; void* f[7]; } Extension;
static Extension layouts_extension, other_extension;

// The extension for layouts stands behind another one.
static void* extensions(void) {
  if (IS(NO_EXTENSION) || IS(CRASH)) return NULL;
  other_extension = (Extension){IS(NO_HEAD) ? 8 : 24, 5, &layouts_extension};
  layouts_extension = (Extension){IS(SHORT_EXTENSION) ? 72 : 80, IS(NO_LAYOUTS) || IS(ENDLESS_CHAIN) ? 6 : 4};
  layouts_extension.f[1] = IS(NO_WRITER) ? NULL : write_layout;
  layouts_extension.f[6] = parameter_layouts;
  if (IS(ENDLESS_CHAIN)) layouts_extension.next = &other_extension;
  return IS(ODD_EXTENSION) ? (char*)&other_extension + 1 : (char*)&other_extension;
}

static struct { size_t size; void* extension; size_t version_size; void* version_extension; int major, minor; void* f[138]; } api;

// ENTRY is GetPjrtApi, unless the fault is to lack it.
void* ENTRY(void) {
  api.size = IS(NO_VERSION) ? 16 : IS(SHORT_TABLE) ? 64 : sizeof(api);
  api.extension = extensions();
  api.major = IS(MAJOR); api.minor = IS(MINOR) ? 54 : 115;
  void* functions[][2] = {
    {(void*)0, error_destroy}, {(void*)1, error_message}, {(void*)2, error_code}, {(void*)3, initialize},
    {(void*)4, attributes}, {(void*)5, destroy}, {(void*)6, event_ready}, {(void*)8, event_await},
    {(void*)9, event_on_ready}, {(void*)10, client_create}, {(void*)11, destroy}, {(void*)12, text}, {(void*)14, text},
    {(void*)16, client_devices}, {(void*)20, compile}, {(void*)22, upload}, {(void*)23, number}, {(void*)24, number},
    {(void*)25, description_attributes}, {(void*)26, text}, {(void*)29, get_description}, {(void*)31, number},
    {(void*)40, destroy}, {(void*)41, text}, {(void*)42, replicas}, {(void*)43, partitions}, {(void*)44, outputs},
    {(void*)48, optimized}, {(void*)49, serialize}, {(void*)50, destroy}, {(void*)51, get_executable}, {(void*)52, executable_devices}, {(void*)55, execute},
    {(void*)56, load}, {(void*)58, destroy}, {(void*)70, to_host}, {(void*)72, ready_event}, {(void*)90, output_types},
    {(void*)91, output_dims}, {(void*)96, memory},
  };
  for (size_t row = 0; row < sizeof(functions) / sizeof(functions[0]); row++)
    api.f[(size_t)functions[row][0]] = functions[row][1];
  if (IS(NO_FUNCTION)) api.f[20] = NULL;
  return IS(NO_TABLE) ? NULL : (void*)&api;
}
