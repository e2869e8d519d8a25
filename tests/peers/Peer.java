import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;

/**
 * A chat client over Java's own WebSocket, told what to do line by line (see line_peer.py).
 *
 * <p>{@code java Peer.java URL [SUBPROTOCOL]}; commands and answers are those of peer.mjs, but for
 * {@code bytes}, which Java does not let one send.
 */
class Peer implements WebSocket.Listener {
    private static final PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    private final StringBuilder message = new StringBuilder();

    public static void main(String[] arguments) throws Exception {
        WebSocket.Builder builder = HttpClient.newHttpClient().newWebSocketBuilder();
        if (arguments.length > 1) {
            builder.subprotocols(arguments[1]);
        }
        WebSocket socket;
        try {
            socket = builder.buildAsync(URI.create(arguments[0]), new Peer()).join();
        } catch (CompletionException error) {
            if (error.getCause() instanceof WebSocketHandshakeException refused) {
                String challenge =
                        refused.getResponse().headers().firstValue("WWW-Authenticate").orElse("");
                out.println("refused " + refused.getResponse().statusCode() + " " + challenge);
                System.exit(0);
            }
            throw error;
        }
        BufferedReader lines =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = lines.readLine()) != null; ) {
            int space = line.indexOf(' ');
            String rest = line.substring(space + 1);
            switch (line.substring(0, space)) {
                case "text" -> socket.sendText(rest, true).join();
                case "binary" ->
                        socket.sendBinary(ByteBuffer.wrap(HexFormat.of().parseHex(rest)), true).join();
                case "close" -> socket.sendClose(Integer.parseInt(rest), "").join();
                default -> throw new IllegalArgumentException(line);
            }
        }
    }

    @Override
    public void onOpen(WebSocket socket) {
        out.println("open " + socket.getSubprotocol());
        socket.request(1);
    }

    @Override
    public CompletionStage<?> onText(WebSocket socket, CharSequence part, boolean last) {
        message.append(part);
        if (last) {
            out.println("message " + message);
            message.setLength(0);
        }
        socket.request(1);
        return null;
    }

    @Override
    public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
        out.println("close " + code + " " + reason);
        // Java answers the close once this returns; give the answer time to leave.
        new Thread(() -> {
            try {
                Thread.sleep(300);
            } catch (InterruptedException ignored) {
                Thread.currentThread().interrupt();
            }
            System.exit(0);
        }).start();
        return null;
    }

    @Override
    public void onError(WebSocket socket, Throwable error) {
        out.println("error " + error.getMessage());
    }
}
