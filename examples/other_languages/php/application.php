<?php
// Sends SMS, and keeps the receipts in a file. The server: RECEIPTS=receipts.jsonl php -S 127.0.0.1:5000 application.php
declare(strict_types=1);

/** The fields of a receipt; null for a request without one, such as the probe before Vonage saves a URL. */
function read_receipt(string $target, string $body): ?array
{
    if (str_starts_with(ltrim($body), '{')) {
        $fields = json_decode($body, true, 16, JSON_THROW_ON_ERROR);
    } else {
        // As $_GET and $_POST: PHP writes _ for a dot or a space in a name, and keeps err-code as it is.
        parse_str($body !== '' ? $body : (explode('?', $target, 2)[1] ?? ''), $fields);
    }
    return isset($fields['messageId'], $fields['status']) ? $fields : null;
}

/** The id of the message. $callback: the URL for its receipts. */
function send_sms(string $to, string $text, string $callback): string
{
    $host = getenv('VONAGE_REST_HOST');
    $message = [
        'api_key' => getenv('VONAGE_API_KEY'), 'api_secret' => getenv('VONAGE_API_SECRET'),
        'from' => 'AcmeInc', 'to' => $to, 'text' => $text, 'callback' => $callback,
    ];
    $request = ['method' => 'POST', 'content' => http_build_query($message)];
    $request['header'] = 'Content-Type: application/x-www-form-urlencoded';
    $url = $host ? "http://$host/sms/json" : 'https://rest.nexmo.com/sms/json';
    $answer = file_get_contents($url, false, stream_context_create(['http' => $request]));
    $sent = json_decode($answer, true, 16, JSON_THROW_ON_ERROR)['messages'][0];
    if ($sent['status'] !== '0') { // errors have the HTTP status 200
        throw new RuntimeException($sent['error-text']);
    }
    return $sent['message-id'];
}

if (PHP_SAPI === 'cli-server') {
    $receipt = read_receipt($_SERVER['REQUEST_URI'], file_get_contents('php://input'));
    if ($receipt !== null) {
        file_put_contents(getenv('RECEIPTS'), json_encode($receipt, JSON_INVALID_UTF8_SUBSTITUTE) . "\n", FILE_APPEND | LOCK_EX);
    }
    http_response_code(200);
}
