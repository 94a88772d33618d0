"""What a training run leaves behind: event files, their writers and readers, films."""
