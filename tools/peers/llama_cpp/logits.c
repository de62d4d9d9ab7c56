// What llama.cpp makes of token ids: the logits of every position, and how long the whole text takes.
//
//   logits MODEL.gguf IDS THREADS FLASH(0|1) OUT
//
// IDS is a file of numbers with white space or commas between them. OUT gets f32 [tokens, vocabulary]; `-` writes none.
// Prints {"tokens", "vocabulary", "prefill_seconds"}: the better of two runs that ask for the last token's logits alone.
#include <llama.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CHUNK = 512 };

static void fail(const char *what, const char *with) {
    fprintf(stderr, "error: %s `%s`\n", what, with);
    exit(1);
}

static void warnings_only(enum ggml_log_level level, const char *text, void *unused) {
    (void)unused;
    if (level >= GGML_LOG_LEVEL_ERROR && level != GGML_LOG_LEVEL_CONT) fputs(text, stderr);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

static llama_token *read_ids(const char *path, int *count) {
    FILE *file = fopen(path, "r");
    if (!file) fail("cannot read", path);
    int room = 1024;
    llama_token *ids = malloc(room * sizeof *ids);
    *count = 0;
    while (ids && fscanf(file, " %d", &ids[*count]) == 1) {
        fscanf(file, " ,");
        if (++*count == room) ids = realloc(ids, (room *= 2) * sizeof *ids);
    }
    fclose(file);
    if (!ids || *count == 0) fail("no token ids in", path);
    return ids;
}

// Takes all tokens in, CHUNK at a time; with `out` asks for the logits of every one, else of the last.
static void take(struct llama_context *context, const llama_token *ids, int count, int vocabulary, FILE *out) {
    llama_memory_clear(llama_get_memory(context), true);
    struct llama_batch batch = llama_batch_init(CHUNK, 0, 1);
    for (int first = 0; first < count; first += CHUNK) {
        batch.n_tokens = count - first < CHUNK ? count - first : CHUNK;
        for (int i = 0; i < batch.n_tokens; i++) {
            batch.token[i] = ids[first + i];
            batch.pos[i] = first + i;
            batch.n_seq_id[i] = 1;
            batch.seq_id[i][0] = 0;
            batch.logits[i] = out || first + i == count - 1;
        }
        if (llama_decode(context, batch)) fail("llama.cpp cannot take the tokens from", "IDS");
        llama_synchronize(context);
        for (int i = 0; out && i < batch.n_tokens; i++) {
            const float *logits = llama_get_logits_ith(context, i);
            if (!logits || fwrite(logits, sizeof *logits, vocabulary, out) != (size_t)vocabulary) fail("cannot write", "OUT");
        }
    }
    llama_batch_free(batch);
}

int main(int argc, char **argv) {
    if (argc != 6) fail("usage: logits MODEL.gguf IDS THREADS FLASH(0|1) OUT, not", argv[0]);
    llama_log_set(warnings_only, NULL);
    llama_backend_init();
    int count;
    llama_token *ids = read_ids(argv[2], &count);
    struct llama_model *model = llama_model_load_from_file(argv[1], llama_model_default_params());
    if (!model) fail("llama.cpp does not load", argv[1]);
    int vocabulary = llama_vocab_n_tokens(llama_model_get_vocab(model));
    for (int i = 0; i < count; i++)
        if (ids[i] < 0 || ids[i] >= vocabulary) fail("a token is outside of the vocabulary, in", argv[2]);

    struct llama_context_params params = llama_context_default_params();
    params.n_ctx = count + CHUNK;
    params.n_batch = params.n_ubatch = CHUNK;
    params.n_threads = params.n_threads_batch = atoi(argv[3]);
    params.flash_attn_type = atoi(argv[4]) ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
    struct llama_context *context = llama_init_from_model(model, params);
    if (!context) fail("llama.cpp makes no context for", argv[1]);

    if (strcmp(argv[5], "-")) {
        FILE *out = fopen(argv[5], "wb");
        if (!out) fail("cannot write", argv[5]);
        take(context, ids, count, vocabulary, out);
        if (fclose(out)) fail("cannot write", argv[5]);
    }
    double best = 1e30;
    for (int run = 0; run < 2; run++) {
        double began = now();
        take(context, ids, count, vocabulary, NULL);
        if (now() - began < best) best = now() - began;
    }
    printf("{\"tokens\": %d, \"vocabulary\": %d, \"prefill_seconds\": %.6f}\n", count, vocabulary, best);
    llama_free(context);
    llama_model_free(model);
    free(ids);
    return 0;
}
