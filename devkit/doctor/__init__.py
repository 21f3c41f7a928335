"""The doctor: checks the whole path of a receipt, and says what is wrong and what to type. It repairs nothing."""
