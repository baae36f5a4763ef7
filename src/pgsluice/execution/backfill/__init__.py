"""Batched updates that give way to traffic: windows over the heap, their size, the loop, the cursor."""
