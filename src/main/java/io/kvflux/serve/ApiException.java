package io.kvflux.serve;

import io.kvflux.api.QueueFullException;
import io.kvflux.api.SchedulerDisposedException;
import io.kvflux.api.SequenceTooLongException;
import org.jspecify.annotations.Nullable;

/** What a client is told in place of an answer: an HTTP status, and the error object of the API. */
final class ApiException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private static final String INVALID_REQUEST = "invalid_request_error";
    private static final String SERVER_ERROR = "server_error";
    private static final int MAX_QUOTED = 200;

    private final int status;
    private final String type;
    private final @Nullable String param;
    private final @Nullable String code;

    private ApiException(
            int status,
            String type,
            @Nullable String param,
            @Nullable String code,
            String message,
            @Nullable Throwable cause) {
        super(message, cause);
        this.status = status;
        this.type = type;
        this.param = param;
        this.code = code;
    }

    static ApiException badRequest(@Nullable String param, String message) {
        return new ApiException(400, INVALID_REQUEST, param, null, message, null);
    }

    static ApiException unsupported(String param, String message) {
        return new ApiException(400, INVALID_REQUEST, param, "unsupported_parameter", message, null);
    }

    static ApiException contextLength(long contextLength, long prompt, long completion) {
        return contextLength(
                "This model's maximum context length is " + contextLength + " tokens, but " + (prompt + completion)
                        + " were asked for (" + prompt + " in the prompt, " + completion + " for the completion):"
                        + " shorten the prompt or max_tokens",
                null);
    }

    private static ApiException contextLength(String message, @Nullable Throwable cause) {
        return new ApiException(400, INVALID_REQUEST, "prompt", "context_length_exceeded", message, cause);
    }

    static ApiException unknownModel(String model) {
        String message = "The model '" + brief(model) + "' does not exist: this server has " + Completion.MODEL
                + " and no other";
        return new ApiException(404, INVALID_REQUEST, "model", "model_not_found", message, null);
    }

    static ApiException unknownPath(String path) {
        String message = "Unknown path '" + brief(path)
                + "': this server has POST /v1/completions, GET /v1/models and GET /healthz";
        return new ApiException(404, INVALID_REQUEST, null, "unknown_url", message, null);
    }

    static ApiException wrongMethod(String method, String path, String allowed) {
        String message = "'" + brief(path) + "' takes " + allowed + ", not " + method;
        return new ApiException(405, INVALID_REQUEST, null, "method_not_allowed", message, null);
    }

    /** What a client sent, but not megabytes of it. */
    private static String brief(String sent) {
        return sent.length() <= MAX_QUOTED ? sent : sent.substring(0, MAX_QUOTED) + "...";
    }

    static ApiException tooLarge(long limit) {
        String message = "The body of a request may have at most " + limit + " bytes";
        return new ApiException(413, INVALID_REQUEST, null, "request_too_large", message, null);
    }

    static ApiException unavailable(String message, @Nullable Throwable cause) {
        return new ApiException(503, SERVER_ERROR, null, "service_unavailable", message, cause);
    }

    /** What a client is told of any failure. */
    static ApiException of(Throwable failure) {
        if (failure instanceof ApiException known) {
            return known;
        }
        if (failure instanceof QueueFullException full) {
            String message = "Too many requests wait already (" + full.pending() + " of at most " + full.maxPending()
                    + "): send it again later";
            return new ApiException(429, "rate_limit_error", null, "rate_limit_exceeded", message, full);
        }
        if (failure instanceof SequenceTooLongException) {
            return contextLength(String.valueOf(failure.getMessage()), failure);
        }
        if (failure instanceof SchedulerDisposedException) {
            return unavailable("The server is stopping and takes no more requests", failure);
        }
        return new ApiException(500, SERVER_ERROR, null, null, "The model failed: " + failure.getMessage(), failure);
    }

    int status() {
        return status;
    }

    String type() {
        return type;
    }

    @Nullable
    String param() {
        return param;
    }

    @Nullable
    String code() {
        return code;
    }
}
