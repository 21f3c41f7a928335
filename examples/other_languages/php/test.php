<?php
declare(strict_types=1);
require __DIR__ . '/application.php';

function check(bool $holds, string $what): void
{
    echo $holds ? 'ok' : 'FAILED', " $what\n";
    $holds || exit(1);
}

/** A fixture's request: what Vonage sent, to the byte. */
function load(string $name): array
{
    $file = file_get_contents(getenv('SAMPLES') . "/$name.json");
    $request = json_decode($file, true, 16, JSON_THROW_ON_ERROR)['request'];
    return [$request['target'], $request['body']['text'] ?? base64_decode($request['body']['base64'])];
}

/** The last status of a message, once it is final. */
function wait_for(string $message_id): array
{
    for ($end = time() + 30; time() < $end; usleep(20_000)) {
        foreach (is_file(getenv('RECEIPTS')) ? file(getenv('RECEIPTS')) : [] as $line) {
            $receipt = json_decode($line, true);
            if ($receipt['messageId'] === $message_id && !in_array($receipt['status'], ['accepted', 'buffered'])) {
                return [$receipt['status'], (int) $receipt['err-code']];
            }
        }
    }
    return ['none', 0];
}

foreach (['failed-handset-busy', 'failed-form', 'failed-json'] as $name) {
    $receipt = read_receipt(...load($name));
    check($receipt['status'] === 'failed' && (int) $receipt['err-code'] !== 0, "the sample $name is read");
}
check(read_receipt('/webhooks/dlr', '') === null, 'a probe is no receipt');

$socket = stream_socket_server('tcp://127.0.0.1:0');
$address = stream_socket_get_name($socket, false);
fclose($socket);
$silent = ['file', '/dev/null', 'w'];
$server = proc_open([PHP_BINARY, '-S', $address, __DIR__ . '/application.php'], [['file', '/dev/null', 'r'], $silent, $silent], $pipes);
register_shutdown_function(fn () => proc_terminate($server));
while (!($connection = @stream_socket_client("tcp://$address"))) {
    usleep(20_000);
}
fclose($connection);

$delivered = send_sms('447700900000', 'Hello', "http://$address/webhooks/dlr");
$busy = send_sms('447700900003', 'Hello', "http://$address/webhooks/dlr");
check(wait_for($delivered) === ['delivered', 0], 'the simulator delivers');
check(wait_for($busy) === ['failed', 3], 'the simulator reports an error');
